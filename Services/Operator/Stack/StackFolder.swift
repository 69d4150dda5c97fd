internal import FoundationEssentials

/// The folder that a stack on one machine keeps everything in.
///
/// ```
/// certificates/   the throw-away authority, and a certificate and key for each service
/// configuration/  the configuration file of each service
/// run/            what runs now: lock, endpoint, process ids
/// logs/           one file for each service
/// mails/          outgoing mail as .eml files
/// restoring       there while a restore is not finished
/// seals/          the signed ends of the ledger's and the audit logs' chains
/// identity/ …     the data of each service
/// ```
package struct StackFolder: Sendable, Hashable {
  /// As given; relative to the working directory or absolute.
  package let path: String

  package init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  package var certificates: String { "\(path)/certificates" }
  package var configuration: String { "\(path)/configuration" }
  /// The configuration file of a service.
  package func configuration(of service: String) -> String { "\(configuration)/\(service).conf" }
  package var run: String { "\(path)/run" }
  package var logs: String { "\(path)/logs" }
  package var mails: String { "\(path)/mails" }
  /// The signed ends of the chains, and the keys.
  package var seals: String { "\(path)/seals" }
  /// The PEM file that clients trust.
  package var authority: String { "\(certificates)/authority.pem" }
  /// Marks the folder as a stack's, so that `reset` removes nothing else.
  var marker: String { "\(path)/kontor-data" }
  /// There while a restore into the folder is not finished; names what is restored.
  package var restoring: String { "\(path)/restoring" }
  var lock: String { "\(run)/up.lock" }
  /// The ports of the running stack.
  var ports: String { "\(run)/ports" }

  func certificate(_ name: String) -> String { "\(certificates)/\(name).pem" }
  func privateKey(_ name: String) -> String { "\(certificates)/\(name).key" }

  /// The folders, in the order they are made.
  var folders: [String] { [path, certificates, configuration, run, logs, mails] }

  /// Everything that `reset` removes.
  func contents(_ services: [String]) -> [String] {
    [certificates, configuration, run, logs, mails, seals, restoring, marker]
      + services.map { "\(path)/\($0)" }
  }

  /// Makes the folders, for their owner alone.
  ///
  /// - Throws: ``OperatorError`` where one cannot be made.
  package func create() throws(OperatorError) {
    for folder in folders { try StackFolder.makeFolder(folder) }
    try PrivateFile.write("The data of a Kontor stack; kontor reset removes it.\n", to: marker)
  }

  /// Makes a folder, and those above it, for its owner alone.
  package static func makeFolder(_ folder: String) throws(OperatorError) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw OperatorError("the folder \(folder) cannot be made: \(PrivateFile.reason())")
    }
  }
}

/// Why a command of the operator did not do its work; one line for people.
package struct OperatorError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
