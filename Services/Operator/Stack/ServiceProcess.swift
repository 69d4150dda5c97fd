internal import Bootstrap
internal import Glibc
internal import SharedDomain
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Keeps one service's process alive: starts it again when it dies, with growing pauses.
final class ServiceProcess: Sendable {
  let service: ServiceName
  private let configuration: StackConfiguration
  private let executable: String
  private let lifeline: FileDescriptor
  private let report: @Sendable (String) -> Void
  private let state = Mutex(State())

  private struct State {
    var restarts = 0
    var isSettled = false
    var failure: String?
  }

  /// How long a process may take to drain before it is killed.
  static let grace = Duration.seconds(15)

  /// - Parameters:
  ///   - lifeline: the reading end of a pipe that nobody writes to; its end tells the service that
  ///     this process is gone.
  ///   - report: told in words what happens to the process.
  init(
    _ service: ServiceName, _ configuration: StackConfiguration, executable: String,
    lifeline: FileDescriptor, report: @escaping @Sendable (String) -> Void
  ) {
    self.service = service
    self.configuration = configuration
    self.executable = executable
    self.lifeline = lifeline
    self.report = report
  }

  /// Why the process ended before the stack was ready; nil while it did not.
  var failure: String? { state.withLock { $0.failure } }

  /// From now on, a death is followed by a new start instead of being a failure.
  func settle() { state.withLock { $0.isSettled = true } }

  /// Runs until the task is cancelled, or until the process ends before it was settled. Cancelling
  /// stops the process gently, and by force after ``grace``.
  func run() async {
    var pause = RestartPause()
    writeRestarts()
    while !Task.isCancelled {
      let began = ContinuousClock.now
      let end = await runOnce()
      removePidFile()
      if Task.isCancelled { return }
      let isSettled = state.withLock { state in
        if !state.isSettled { state.failure = "\(service.executable) \(end): \(lastLogLine())" }
        return state.isSettled
      }
      guard isSettled else { return }
      let wait = pause.next(lived: .now - began)
      report("\(service.executable) \(end); starting it again in \(wait)")
      try? await Task.sleep(for: wait)
      state.withLock { $0.restarts += 1 }
      writeRestarts()
    }
  }

  /// One life of the process; answers how it ended.
  private func runOnce() async -> String {
    do {
      let log = try FileDescriptor.open(
        FilePath(logFile), .writeOnly, options: [.create, .append, .closeOnExec],
        permissions: [.ownerReadWrite])
      defer { try? log.close() }
      var options = PlatformOptions()
      // In a group of its own, Ctrl-C in the terminal reaches `kontor up` only.
      options.processGroupID = 0
      options.teardownSequence = [
        .send(signal: .terminate, allowedDurationToNextStep: Self.grace)
      ]
      let result = try await Subprocess.run(
        .path(FilePath(executable)), arguments: ["--configuration", configuration.file(service)],
        platformOptions: options,
        input: .fileDescriptor(lifeline, closeAfterSpawningProcess: false),
        output: .fileDescriptor(log, closeAfterSpawningProcess: false),
        error: .fileDescriptor(log, closeAfterSpawningProcess: false)
      ) { execution in
        try? PrivateFile.write("\(execution.processIdentifier.value)\n", to: pidFile)
      }
      switch result.terminationStatus {
      case .exited(let code): return "ended with status \(code)"
      case .signaled(let signal): return "was ended by signal \(signal)"
      }
    } catch is CancellationError {
      return "was stopped"
    } catch {
      return "could not be started (\(error))"
    }
  }

  private var logFile: String { "\(configuration.folder.logs)/\(service.rawValue).log" }
  private var pidFile: String { "\(configuration.folder.run)/\(service.rawValue).pid" }

  private func removePidFile() { unlink(pidFile) }

  private func writeRestarts() {
    let count = state.withLock { $0.restarts }
    try? PrivateFile.write(
      "\(count)\n", to: "\(configuration.folder.run)/\(service.rawValue).restarts")
  }

  /// What the process said last.
  private func lastLogLine() -> String {
    let text = PrivateFile.read(logFile) ?? ""
    return text.split(separator: "\n").last.map(String.init) ?? "it wrote nothing to \(logFile)"
  }
}

/// The pause before a process that died is started again: doubled each time, short again after a
/// life that lasted.
struct RestartPause: Sendable {
  static let first = Duration.milliseconds(100)
  static let longest = Duration.seconds(2)
  /// A life this long clears the slate.
  static let steadyLife = Duration.seconds(5)

  private var following = RestartPause.first

  /// The pause after a life of the given length.
  mutating func next(lived life: Duration) -> Duration {
    if life >= Self.steadyLife { following = Self.first }
    defer { following = min(following * 2, Self.longest) }
    return following
  }
}
