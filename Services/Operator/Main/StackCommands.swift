internal import ArgumentParser
internal import Bootstrap
internal import Glibc
internal import Operator
internal import SharedDomain

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells how each service is; ends with status 0 only if all are serving.")

  @OptionGroup var stack: StackOptions

  func run() async throws {
    let services = try await StackStatus(stack.folder).services()
    say(row("SERVICE", "PROCESS", "PORT", "RESTARTS", "HEALTH"))
    for service in services {
      say(
        row(
          service.name.executable, service.processID.map(String.init) ?? "-",
          String(service.port), String(service.restarts), service.health))
    }
    if !services.allSatisfy(\.isServing) { throw ExitCode.failure }
  }

  private func row(_ columns: String...) -> String {
    zip(columns, [22, 9, 7, 10, 0])
      .map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }.joined()
  }
}

struct Down: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stops a running stack; calls under way are finished first.")

  @OptionGroup var stack: StackOptions

  func run() async throws {
    try await StackStatus(stack.folder).stop()
    say("stopped")
  }
}

struct Reset: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes all data of a stopped stack.")

  @OptionGroup var stack: StackOptions

  @Flag(name: .long, help: "Does not ask.")
  var yes = false

  func run() async throws {
    if !yes {
      guard isatty(STDIN_FILENO) != 0 else {
        throw OperatorError("this removes all data in \(stack.data); say --yes")
      }
      say("Remove all data in \(stack.data)? [y/N]")
      guard readLine()?.lowercased() == "y" else { throw ExitCode.failure }
    }
    try StackStatus(stack.folder).reset()
    say("removed")
  }
}

struct Certificates: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Writes an authority and a certificate for each service, for a deployment of your own.",
    discussion: """
      An authority that is in the folder already is used again, so that certificates can be renewed.
      Keep authority.key away from the services.
      """)

  @Argument(help: "The folder to write to; it is made if need be.")
  var folder: String

  @Option(name: .long, help: "A further host name of the gateway; may be given several times.")
  var gatewayName: [String] = []

  func run() async throws {
    let clock = try SystemClock(timezone: "UTC")
    let certificates = StackCertificates(writingTo: folder, now: clock.now())
    try certificates.issue(extraNames: gatewayName)
    say("certificates are in \(folder)")
  }
}
