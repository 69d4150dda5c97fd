internal import Glibc
internal import SharedDomain

/// Processes of a stack whose `kontor up` was killed: they end by themselves once their calls are
/// done, and hold ports and databases until then.
package struct StackOrphans: Sendable {
  private let folder: StackFolder

  /// How long they may take before they are killed.
  private static let limit = ServiceProcess.grace

  package init(_ folder: StackFolder) { self.folder = folder }

  /// Waits until none is left. To be called while no `kontor up` runs the folder's stack.
  ///
  /// - Parameter report: told, once, whom is waited for.
  package func waitUntilGone(report: (String) -> Void) async throws {
    let began = ContinuousClock.now
    var orphans = find()
    if orphans.isEmpty { return }
    let names = orphans.map(\.service.executable).joined(separator: ", ")
    report("waiting for processes of a killed kontor up: \(names)")
    var isKilled = false
    while !orphans.isEmpty {
      if !isKilled, .now - began > Self.limit {
        isKilled = true
        for orphan in orphans { kill(orphan.process, SIGKILL) }
      }
      try await Task.sleep(for: .milliseconds(10))
      orphans = find()
    }
  }

  /// The recorded processes that still run the service's program; a number that another program has
  /// by now is left alone.
  private func find() -> [(service: ServiceName, process: Int32)] {
    ServiceName.allCases.compactMap { service in
      let recorded = PrivateFile.read("\(folder.run)/\(service.rawValue).pid")
      guard let process = recorded.flatMap({ Int32($0.prefix { $0.isNumber }) }), process > 1,
        PrivateFile.read("/proc/\(process)/cmdline")?.contains("/\(service.rawValue).conf") == true,
        !isZombie(process)
      else { return nil }
      return (service, process)
    }
  }

  /// Whether a process has ended and only its parent has not taken notice.
  private func isZombie(_ process: Int32) -> Bool {
    let status = PrivateFile.read("/proc/\(process)/stat") ?? ""
    return status.split(separator: ")").last?.split(separator: " ").first == "Z"
  }
}
