internal import Bootstrap
internal import SharedDomain
internal import SystemPackage

/// All five services as processes of this machine, from start to stop.
package struct StackRun: Sendable {
  private let configuration: StackConfiguration
  private let executables: String
  private let report: @Sendable (String) -> Void

  /// How long the services may take to become ready.
  private static let readyLimit = Duration.seconds(60)

  /// - Parameters:
  ///   - executables: the folder of the services' programs.
  ///   - report: told in words what happens.
  package init(
    _ configuration: StackConfiguration, executables: String,
    report: @escaping @Sendable (String) -> Void
  ) {
    self.configuration = configuration
    self.executables = executables
    self.report = report
  }

  /// Starts all services, tells when they are ready, and stops them when `untilStopped` returns.
  ///
  /// - Throws: ``OperatorError`` where a stack runs in the folder already, or a service ends before
  ///   it is ready; then all are stopped.
  package func run(
    ready: @escaping @Sendable (Duration) -> Void,
    untilStopped: @escaping @Sendable () async -> Void
  ) async throws {
    let began = ContinuousClock.now
    let folder = configuration.folder
    try folder.create()
    let lock = try StackLock(folder)
    defer { withExtendedLifetime(lock) {} }
    let now = try SystemClock(timezone: "UTC").now()
    try StackCertificates(folder, now: now).issue()
    try configuration.write()
    try PrivateFile.write(configuration.ports.text, to: folder.ports)
    // Nobody writes to the pipe: it ends when this process does, however that happens.
    let pipe = try FileDescriptor.pipe(options: [.closeOnExec])
    defer {
      try? pipe.readEnd.close()
      try? pipe.writeEnd.close()
    }
    let processes = ServiceName.allCases.map { service in
      ServiceProcess(
        service, configuration, executable: "\(executables)/\(service.executable)",
        lifeline: pipe.readEnd, report: report)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for process in processes { group.addTask { await process.run() } }
      do {
        try await waitUntilReady(processes, since: began)
        for process in processes { process.settle() }
        ready(.now - began)
        await untilStopped()
        report("stopping")
      } catch {
        group.cancelAll()
        throw error
      }
      group.cancelAll()
    }
  }

  private func waitUntilReady(
    _ processes: [ServiceProcess], since began: ContinuousClock.Instant
  ) async throws {
    let probe = try HealthProbe(configuration.folder, configuration.ports)
    var waiting = processes
    while !waiting.isEmpty {
      for process in processes {
        if let failure = process.failure { throw OperatorError(failure) }
      }
      var stillWaiting: [ServiceProcess] = []
      for process in waiting {
        if case .failure = await probe.isServing(process.service) { stillWaiting.append(process) }
      }
      waiting = stillWaiting
      if waiting.isEmpty { break }
      guard .now - began < Self.readyLimit else {
        let names = waiting.map(\.service.executable).joined(separator: ", ")
        throw OperatorError(
          "not ready after \(Self.readyLimit): \(names); see \(configuration.folder.logs)")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    await probe.close()
  }
}
