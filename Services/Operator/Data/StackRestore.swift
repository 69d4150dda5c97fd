internal import Operator

/// Putting a backup back.
extension StackData {
  /// Puts a backup's files into this folder, which holds no data yet. The next `kontor up` starts
  /// on them; unfinished deliveries are taken up again.
  ///
  /// - Throws: `OperatorError` where the folder holds data or a stack runs, and where the backup is
  ///   not whole; then nothing was put anywhere.
  package func restore(from backup: String) throws {
    try StackStatus(folder).refuseRunning()
    try refusePostgreSQL("restore")
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
    let manifest = try BackupManifest(verifying: backup)
    for data in ServiceData.all
    where !manifest.files.contains(where: { $0.path == "\(data.name)/\(data.fileName)" }) {
      throw OperatorError("\(backup) has no database of \(data.name)")
    }
    try folder.create()
    var folders: Set<String> = [folder.path]
    for file in manifest.files {
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
