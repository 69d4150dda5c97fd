internal import ArgumentParser
internal import Bootstrap
internal import Glibc
internal import Logging
internal import Operator
internal import OperatorData
internal import SharedDomain

struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs all five services on this machine, until Ctrl-C.",
    discussion: """
      Every service is a process of its own on the loopback address, with a certificate by a \
      throw-away authority and its data on embedded storage. A service that dies is started again.
      """)

  @OptionGroup var stack: StackOptions

  @Option(
    name: .long,
    help:
      "The gateway's port; the other services take the four after it unless --base-port is given. 0: any that are free."
  )
  var port = ServiceName.gateway.defaultPort

  @Option(
    name: .long,
    help: "The first of the four other services' ports. 0: any that are free.")
  var basePort: Int?

  @Option(
    name: .long, help: "Least level that the services log: trace, debug, info, warning, error.")
  var logLevel = "info"

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Moves the services' clocks, for trying out what happens later.",
      valueName: "seconds or duration"))
  var clockOffset: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Keeps the services' data on a PostgreSQL server, in a database each, made where it is missing. The password comes from PGPASSWORD or PGPASSFILE.",
      valueName: "postgres://user@host:port"))
  var database: String?

  func validate() throws {
    do throws(MalformedValue) {
      _ = try databaseURL()
    } catch {
      throw ValidationError("--database \(error.reason)")
    }
    if let clockOffset, Int32(clockOffset) == nil, parseDuration(clockOffset) == nil {
      throw ValidationError("--clock-offset \(clockOffset): write 3600, 30d, 12h or -90m")
    }
  }

  private func databaseURL() throws(MalformedValue) -> DatabaseURL? {
    try database.map { text throws(MalformedValue) in try DatabaseURL(text) }
  }

  func run() async throws {
    try StackStatus(stack.folder).refuseRunning()
    try StackStatus(stack.folder).refuseRestoring()
    try await StackOrphans(stack.folder).waitUntilGone { say("kontor: \($0)") }
    var settings = StackConfiguration(
      folder: stack.folder, ports: try StackPorts(gateway: port, inner: basePort))
    settings.logLevel = logLevel
    settings.clockOffset = clockOffset
    settings.database = try databaseURL()
    let termination = Termination(
      lifeline: nil, limit: .seconds(30), logger: Logger(label: "kontor"))
    let run = StackRun(settings, executables: try ownFolder()) { say("kontor: \($0)") }
    let ports = settings.ports
    let folder = stack.folder
    try await run.run(
      ready: { say(Up.introduction(folder, ports, after: $0)) },
      untilStopped: {
        await withDiscardingTaskGroup { group in
          group.addTask { await Up.sealEveryMinute(folder) }
          _ = await termination.requested()
          group.cancelAll()
        }
      })
    await Up.seal(folder)
  }

  /// Signs the ends of the chains until it is cancelled.
  private static func sealEveryMinute(_ folder: StackFolder) async {
    while (try? await Task.sleep(for: .seconds(60))) != nil { await seal(folder) }
  }

  private static func seal(_ folder: StackFolder) async {
    do {
      _ = try await StackData(folder).seal(at: try SystemClock(timezone: "UTC").now())
    } catch {
      say("kontor: nothing was sealed: \(error)")
    }
  }

  /// What a newcomer needs to make a first call.
  static func introduction(
    _ folder: StackFolder, _ ports: StackPorts, after time: Duration
  ) -> String {
    let endpoint = "localhost:\(ports[.gateway])"
    let tenths =
      (time.components.seconds * 10) + time.components.attoseconds / 100_000_000_000_000_000
    return """
      Kontor is ready (\(tenths / 10).\(tenths % 10) s).

        endpoint    \(endpoint)
        authority   \(folder.authority)
        mails       \(folder.mails)
        logs        \(folder.logs)

      In Python, with stubs made from Proto/ or by server reflection (see README.md):

        grpc.secure_channel("\(endpoint)", grpc.ssl_channel_credentials(
            open("\(folder.authority)", "rb").read()))

      Ctrl-C stops everything.
      """
  }

  /// The folder that this program is in: the services' programs are beside it.
  private func ownFolder() throws -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0, let slash = buffer[..<count].lastIndex(of: CChar(0x2F))
    else {
      throw OperatorError("the folder of this program is unknown")
    }
    return String(decoding: buffer[..<slash].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
