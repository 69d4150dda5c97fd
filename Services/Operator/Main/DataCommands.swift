internal import ArgumentParser
internal import Bootstrap
internal import Operator
internal import OperatorData
internal import SharedDomain

struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks all stored data; ends with status 0 only if nothing is wrong.",
    discussion: """
      Works on a running stack and on a stopped one. A line for each finding names the database, the \
      table, the row and what was expected.
      """)

  @OptionGroup var stack: StackOptions

  @Flag(name: .long, help: "Says nothing but findings.")
  var quiet = false

  func run() async throws {
    let report = try await StackData(stack.folder).check()
    if !quiet { for note in report.notes { say("note: \(note)") } }
    for finding in report.findings { say(finding.description) }
    if !report.findings.isEmpty { throw ExitCode.failure }
    if !quiet { say("sound") }
  }
}

struct Seal: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Signs the ends of the ledger's and the audit logs' chains.",
    discussion: """
      kontor check finds what was changed, cut off or rewritten before the last seal. kontor up seals \
      every minute and when it stops. The seals and their key are in the folder seals: keep it where \
      those who can write the databases cannot write.
      """)

  @OptionGroup var stack: StackOptions

  func run() async throws {
    let now = try SystemClock(timezone: "UTC").now()
    if let report = try await StackData(stack.folder).seal(at: now) {
      say("seal \(report.number) of \(report.heads) chains: \(report.hash)")
    } else {
      say("nothing has changed since the last seal")
    }
  }
}

struct Backup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copies all data to a new folder, at one moment, while the stack goes on.",
    discussion: """
      The copies are checked. The certificates and the key of the seals are not copied. Data on \
      PostgreSQL is copied by pg_dump; to check the copies they are put into databases on the same \
      server, kontor_identity_verifying and so on, which are removed again.
      """)

  @OptionGroup var stack: StackOptions

  @Argument(help: "The folder to make.")
  var target: String

  func run() async throws {
    let now = try SystemClock(timezone: "UTC").now()
    for line in try await StackData(stack.folder).backUp(
      to: target, version: ProductVersion.current, at: now)
    {
      say(line)
    }
  }
}

struct Restore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts a backup into a data folder that holds no data.",
    discussion: """
      A backup of data on PostgreSQL is put onto the server that --database names, into databases \
      that must not be there; they get their names after all of them were filled and checked.
      """)

  @OptionGroup var stack: StackOptions

  @Argument(help: "The backup's folder.")
  var backup: String

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The server for a backup of data on PostgreSQL, as for kontor up.",
      valueName: "postgres://user@host:port"))
  var database: String?

  func validate() throws {
    do throws(MalformedValue) {
      _ = try databaseURL()
    } catch {
      throw ValidationError("--database \(error.reason)")
    }
  }

  private func databaseURL() throws(MalformedValue) -> DatabaseURL? {
    try database.map { text throws(MalformedValue) in try DatabaseURL(text) }
  }

  func run() async throws {
    try await StackData(stack.folder).restore(from: backup, to: try databaseURL())
    let option = database.map { " --database '\($0)'" } ?? ""
    say("restored to \(stack.data); kontor up --data \(stack.data)\(option) starts on it")
  }
}

struct DeadLetters: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letters",
    abstract: "Shows and replays the messages between services that were given up.",
    subcommands: [List.self, Replay.self], defaultSubcommand: List.self)

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists them: service, id, topic, aggregate, and the last error.")

    @OptionGroup var stack: StackOptions

    func run() async throws {
      for letter in try await StackData(stack.folder).deadLetters() {
        say("\(letter.service.rawValue) \(letter.line)")
      }
    }
  }

  struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Hands messages back to their services, which try them again.")

    @OptionGroup var stack: StackOptions

    @Argument(help: "The messages' ids, as list shows them.")
    var ids: [String] = []

    @Flag(name: .long, help: "All of them.")
    var all = false

    func validate() throws {
      guard all != !ids.isEmpty else { throw ValidationError("give ids, or --all") }
      for id in ids where UniqueID(id) == nil { throw ValidationError("\(id) is no message's id") }
    }

    func run() async throws {
      let data = StackData(stack.folder)
      let now = try SystemClock(timezone: "UTC").now()
      let chosen = all ? try await data.deadLetters().map(\.id) : ids.compactMap { UniqueID($0) }
      for id in chosen {
        guard try await data.replay(id, at: now) else {
          throw OperatorError("there is no dead letter \(id.text)")
        }
        say("\(id.text) is tried again")
      }
    }
  }
}
