package import Bootstrap
internal import Operator

/// Putting a backup back.
extension StackData {
  /// Puts a backup into this folder, which holds no data yet, and onto a PostgreSQL server where it
  /// is one of such data. The next `kontor up` starts on it; unfinished deliveries are taken up
  /// again.
  ///
  /// A restore that was cut off is repeated: until then `kontor up` refuses the folder. Nothing has its
  /// final name before everything is there.
  ///
  /// - Parameter server: where the services' databases are made, as for `kontor up`; none for a
  ///   backup of files.
  /// - Throws: `OperatorError` where the folder holds data, a stack runs, or the server has a
  ///   database of the name, and where the backup is not whole or not of this kind; then nothing was
  ///   put anywhere.
  package func restore(from backup: String, to server: DatabaseURL?) async throws {
    try StackStatus(folder).refuseRunning()
    let isRepeated = StackFiles.exists(folder.restoring)
    if !isRepeated { try refuseData() }
    let manifest = try BackupManifest(verifying: backup)
    let mark = try Self.mark(of: backup, to: server)
    if isRepeated && PrivateFile.read(folder.restoring) != mark {
      throw OperatorError(
        "\(folder.path) holds a part of another backup: repeat its restore, or remove that part"
          + " first (kontor reset)")
    }
    if let server {
      let stack = try PostgresStack(server)
      try await stack.whileAlone {
        // After the databases have got their names only the mark is left to be removed.
        if try isRepeated && stack.isComplete() { return }
        try await restore(manifest, of: backup, to: stack, mark: mark)
      }
    } else {
      try refuseMissing(\.fileName, in: manifest, of: backup, else: \.dumpName) {
        "\(backup) is of data on PostgreSQL: name the server to restore it to (--database)"
      }
      try begin(mark)
      try copyFiles(manifest.files, of: backup)
    }
    try StackFiles.remove(folder.restoring)
  }

  private func refuseData() throws {
    for data in ServiceData.all {
      let own = "\(folder.path)/\(data.name)"
      if !StackFiles.names(in: own).isEmpty {
        throw OperatorError(
          "\(own) holds data: restore into a new folder (--data), or remove it first (kontor reset)"
        )
      }
    }
    if StackFiles.names(in: folder.seals).contains(where: { $0.hasSuffix(".seals") }) {
      throw OperatorError("\(folder.seals) holds seals of other data")
    }
  }

  /// What an unfinished restore is known by.
  private static func mark(of backup: String, to server: DatabaseURL?) throws -> String {
    let checksum = try StackFiles.checksum("\(backup)/\(BackupManifest.fileName)")
    return "A restore that is not finished.\nbackup \(checksum)\nserver \(server?.text ?? "-")\n"
  }

  /// Marks the folder as unfinished, durably, before anything is put there; what an earlier try left
  /// is removed.
  private func begin(_ mark: String) throws {
    try folder.create()
    try PrivateFile.write(mark, to: folder.restoring)
    try StackFiles.synchronize(file: folder.restoring)
    try StackFiles.synchronize(folder: folder.path)
    for data in ServiceData.all { try StackFiles.remove("\(folder.path)/\(data.name)") }
    try StackFiles.remove(folder.seals)
  }

  /// Looks for the database of every service in a backup.
  private func refuseMissing(
    _ name: (ServiceData) -> String, in manifest: BackupManifest, of backup: String,
    else other: (ServiceData) -> String, saying: () -> String
  ) throws(OperatorError) {
    func holds(_ name: String, of data: ServiceData) -> Bool {
      manifest.files.contains { $0.path == "\(data.name)/\(name)" }
    }
    for data in ServiceData.all where !holds(name(data), of: data) {
      throw OperatorError(
        holds(other(data), of: data) ? saying() : "\(backup) has no database of \(data.name)")
    }
  }

  /// The databases get their names last and together: until then no stack finds a part of them.
  private func restore(
    _ manifest: BackupManifest, of backup: String, to stack: PostgresStack, mark: String
  ) async throws {
    try refuseMissing(\.dumpName, in: manifest, of: backup, else: \.fileName) {
      "\(backup) is of data in files: it cannot be restored to PostgreSQL (no --database)"
    }
    let filled = try stack.with(suffix: "_restoring")
    try stack.refuseExisting(
      "is there already: restore to another server or name (--database), or remove it first")
    // What an unfinished restore left: no other is under way.
    try filled.remove()
    try await filled.fill(from: backup)
    do {
      try await StackData(StackFolder(backup), on: filled).refuseUnsound(
        "what \(backup) holds is not sound")
      try begin(mark)
      let dumps = Set(ServiceData.all.map { "\($0.name)/\($0.dumpName)" })
      try copyFiles(manifest.files.filter { !dumps.contains($0.path) }, of: backup)
      for data in ServiceData.all {
        try PrivateFile.write(
          "# Written by kontor restore; kontor up writes it anew.\ndatabase = \(stack.url(data))\n",
          to: folder.configuration(of: data.name))
      }
    } catch {
      try? filled.remove()
      throw error
    }
    try filled.rename(to: stack)
  }

  private func copyFiles(_ files: [BackupManifest.File], of backup: String) throws {
    try folder.create()
    var folders: Set<String> = [folder.path]
    for file in files {
      let target = "\(folder.path)/\(file.path)"
      let parent = target.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        .joined(separator: "/")
      try StackFolder.makeFolder(parent)
      try StackFiles.copy("\(backup)/\(file.path)", to: target)
      folders.insert(parent)
    }
    for folder in folders { try StackFiles.synchronize(folder: folder) }
  }
}
