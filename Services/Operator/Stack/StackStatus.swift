internal import FoundationEssentials
internal import Glibc
package import SharedDomain

/// What is known of a stack from its folder.
package struct StackStatus: Sendable {
  /// One service of a running stack.
  package struct Service: Sendable {
    package let name: ServiceName
    package let processID: Int32?
    package let port: Int
    package let restarts: Int
    /// `SERVING`, or why not.
    package let health: String

    package var isServing: Bool { health == "SERVING" }
  }

  private let folder: StackFolder

  package init(_ folder: StackFolder) { self.folder = folder }

  /// The process that runs the stack; nil when it does not run.
  package var supervisor: Int32? { StackLock.holder(folder) }

  /// Refuses a folder whose stack runs; to be called before anything of it is looked at.
  ///
  /// - Throws: ``OperatorError`` naming the process that runs it.
  package func refuseRunning() throws(OperatorError) {
    if let supervisor { throw StackLock.heldError(folder, by: supervisor) }
  }

  /// Refuses a folder that a restore was to fill and did not.
  ///
  /// - Throws: ``OperatorError`` saying what to do.
  package func refuseRestoring() throws(OperatorError) {
    guard FileManager.default.fileExists(atPath: folder.restoring) else { return }
    throw OperatorError(
      "a restore into \(folder.path) is not finished: repeat it (kontor restore), or remove what it"
        + " left (kontor reset)")
  }

  /// Asks every service of the running stack.
  ///
  /// - Throws: ``OperatorError`` where no stack runs in the folder.
  package func services() async throws(OperatorError) -> [Service] {
    guard supervisor != nil else { throw OperatorError("no stack runs in \(folder.path)") }
    guard let ports = PrivateFile.read(folder.ports).flatMap({ StackPorts($0) }) else {
      throw OperatorError("the stack in \(folder.path) is starting")
    }
    let probe = try HealthProbe(folder, ports)
    var services: [Service] = []
    for name in ServiceName.allCases {
      let health: String
      switch await probe.isServing(name) {
      case .success: health = "SERVING"
      case .failure(let error): health = error.description
      }
      services.append(
        Service(
          name: name, processID: number("\(name.rawValue).pid"), port: ports[name],
          restarts: number("\(name.rawValue).restarts").map(Int.init) ?? 0, health: health))
    }
    await probe.close()
    return services
  }

  /// Stops the stack gently and waits until it is gone.
  ///
  /// - Throws: ``OperatorError`` where no stack runs, or it does not stop.
  package func stop() async throws {
    guard let supervisor else { throw OperatorError("no stack runs in \(folder.path)") }
    kill(supervisor, SIGTERM)
    for _ in 0..<600 {
      if StackLock.holder(folder) == nil { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw OperatorError("the stack (process \(supervisor)) does not stop")
  }

  /// Removes all data of a stopped stack.
  ///
  /// - Throws: ``OperatorError`` where the stack runs or the folder is no stack's.
  package func reset() throws {
    guard supervisor == nil else {
      throw OperatorError("the stack in \(folder.path) runs; stop it first with kontor down")
    }
    let files = FileManager.default
    guard files.fileExists(atPath: folder.marker) else {
      throw OperatorError("\(folder.path) is not the data folder of a stack")
    }
    for path in folder.contents(ServiceName.allCases.map(\.rawValue))
    where files.fileExists(atPath: path) {
      try files.removeItem(atPath: path)
    }
  }

  private func number(_ file: String) -> Int32? {
    PrivateFile.read("\(folder.run)/\(file)").flatMap { Int32($0.prefix { $0.isNumber }) }
  }
}
