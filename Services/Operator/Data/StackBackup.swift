internal import Operator
internal import SQLCore
internal import SQLiteDriver
package import SharedDomain

/// Copies of all databases at one moment.
extension StackData {
  /// Writes a backup to a new folder while the stack goes on: a copy of each database, the other
  /// files of the services, the seals, and a manifest.
  ///
  /// All databases are held up together for as long as it takes to begin a snapshot of each, some
  /// milliseconds, so that they are from one moment: what one service knows of another's work is in
  /// the other's copy, and what was under way is in an outbox and is delivered again. Files are
  /// copied as they are; a database on PostgreSQL by `pg_dump`.
  ///
  /// - Parameter version: the program's, for the manifest.
  /// - Returns: the manifest's lines.
  /// - Throws: `OperatorError` where the folder exists, or where a copy is not sound.
  package func backUp(to target: String, version: String, at now: Instant) async throws -> [String]
  {
    guard StackFiles.exists(folder.path) else {
      throw OperatorError("\(folder.path) is not the data folder of a stack")
    }
    let postgres = try postgres()
    guard !StackFiles.exists(target) else {
      throw OperatorError("\(target) exists: a backup is written to a new folder")
    }
    // Under another name until it is whole.
    let part = "\(target).part"
    guard !StackFiles.exists(part) else {
      throw OperatorError("\(part) is what an unfinished backup left: remove it first")
    }
    try StackFolder.makeFolder(part)
    // The seals first: what they seal is in the snapshots then.
    try copySeals(to: part)
    if let postgres {
      try await dump(postgres, to: part)
    } else {
      try copyDatabases(to: part)
      try await StackData(StackFolder(part)).refuseUnsound("the copy in \(part) is not sound")
    }
    for data in ServiceData.all { try copyOtherFiles(of: data, to: part) }
    var manifest = BackupManifest(version: version, atMicroseconds: now.microseconds)
    try manifest.addFiles(of: part)
    try PrivateFile.write(manifest.text, to: "\(part)/\(BackupManifest.fileName)")
    try StackFiles.synchronize(folder: part)
    try StackFiles.rename(part, to: target)
    return manifest.lines
  }

  private func copyDatabases(to target: String) throws {
    var snapshots: [(data: ServiceData, snapshot: SQLiteSnapshot)] = []
    defer { for entry in snapshots { entry.snapshot.close() } }
    for data in ServiceData.all {
      snapshots.append((data, try SQLiteSnapshot(of: path(data))))
    }
    for entry in snapshots { entry.snapshot.releaseWriters() }
    for entry in snapshots {
      try StackFolder.makeFolder("\(target)/\(entry.data.name)")
      try entry.snapshot.copy(to: "\(target)/\(entry.data.name)/\(entry.data.fileName)")
    }
  }

  private func dump(_ stack: PostgresStack, to part: String) async throws {
    let backup = try await PostgresBackup(of: stack)
    defer { backup.close() }
    try await backup.dump(to: part)
    try await backup.verify(part) { copies in
      try await StackData(StackFolder(part), on: copies).refuseUnsound(
        "the copy in \(part) is not sound")
    }
  }

  /// What a service keeps beside its database, such as the sandbox provider's secret.
  private func copyOtherFiles(of data: ServiceData, to target: String) throws {
    let source = "\(folder.path)/\(data.name)"
    for name in StackFiles.names(in: source) where !name.hasPrefix(data.fileName) {
      if StackFiles.isFolder("\(source)/\(name)") { continue }
      try StackFiles.copy("\(source)/\(name)", to: "\(target)/\(data.name)/\(name)")
    }
  }

  /// The seals and the keys that verify them; never the one that signs.
  private func copySeals(to target: String) throws {
    let names = StackFiles.names(in: folder.seals).filter {
      $0.hasSuffix(".seals") || $0.hasSuffix(".pub")
    }
    if names.isEmpty { return }
    let copy = StackFolder(target).seals
    try StackFolder.makeFolder(copy)
    for name in names { try StackFiles.copy("\(folder.seals)/\(name)", to: "\(copy)/\(name)") }
  }
}
