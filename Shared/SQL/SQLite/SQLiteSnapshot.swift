package import SQLCore

/// A database file's content at one moment, to be copied while its owner goes on.
///
/// From its making until `releaseWriters` nobody commits to the file. Several databases whose
/// snapshots are all made before the first is released have a moment in common: together they are
/// what was stored everywhere at that moment.
///
/// For one thread at a time.
package final class SQLiteSnapshot {
  private let lock: SQLiteConnection
  private let reader: SQLiteConnection

  /// Waits for the owner's commit under way, and holds up those that follow; their callers wait.
  ///
  /// - Throws: `SQLError`, `.busy` where a commit takes longer than
  ///   `SQLiteConfiguration.busyTimeoutMilliseconds`.
  package init(of path: String) throws(SQLError) {
    var configuration = SQLiteConfiguration()
    configuration.isGuest = true
    let path = SQLiteFile.localPath(path)
    lock = try SQLiteConnection(path: path, role: .writer, configuration: configuration)
    do {
      reader = try SQLiteConnection(path: path, role: .reader, configuration: configuration)
    } catch {
      lock.close()
      throw error
    }
    do {
      try begin()
    } catch {
      close()
      throw error
    }
  }

  private func begin() throws(SQLError) {
    let locked = lock.begin(.beginImmediate)
    guard SQLiteError.isDone(locked) else { throw lock.error(locked, while: "hold up commits") }
    let begun = reader.begin(.begin)
    guard SQLiteError.isDone(begun) else { throw reader.error(begun, while: "begin a snapshot") }
    // The snapshot is that of the first read.
    _ = try reader.run("SELECT count(*) FROM sqlite_schema") { (_) throws(SQLError) in }
  }

  /// Lets the owner commit again; the snapshot stays as it is.
  package func releaseWriters() {
    lock.rollBack()
  }

  /// Writes the snapshot to a new file, one database without a log beside it, and synchronizes it.
  package func copy(to path: String) throws(SQLError) {
    try reader.copy(to: SQLiteFile.localPath(path))
  }

  /// Ends the snapshot; it is not used again.
  package func close() {
    reader.rollBack()
    lock.rollBack()
    reader.close()
    lock.close()
  }
}
