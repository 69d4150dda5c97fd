package import SQLCore

/// How a SQLite file is used. The defaults suit a service on one machine.
package struct SQLiteConfiguration: Sendable {
  /// Threads that answer `read`, each with a connection of its own.
  package var readers = 2
  /// How many writes, and how many reads, wait at most; one more throws `.overloaded`.
  package var queueCapacity = 4096
  /// How many waiting writes one commit takes at most.
  package var batchSize = 256
  /// The page cache of each connection, in KiB.
  package var cacheKibibytes = 32 * 1024
  /// The length of the write-ahead log, in pages, from which its content is moved into the
  /// database file.
  package var checkpointPages = 8000
  /// How many rows one statement may return; one more throws `.tooLarge`.
  package var maximumRows = 100_000
  /// How many prepared statements each connection keeps.
  package var statementCacheSize = 256
  /// How long to wait for another process's lock, in milliseconds, before `.busy` is thrown.
  package var busyTimeoutMilliseconds: Int32 = 5000
  /// Called once, on the writer's thread, when a commit's durability failed and the database
  /// refuses all further writes. A service stops here: what reached the disk is not known.
  package var onFailure: (@Sendable (SQLError) -> Void)?
  /// Opens a file that another process may own, which it leaves as it is: it takes no lock, makes no
  /// file and moves no log. What it writes waits for the owner's commits. The operator's tools are
  /// guests.
  package var isGuest = false
  /// The name of the SQLite VFS; nil for the system's. Tests put a faulty disk here.
  package var virtualFileSystem: String?

  package init() {}
}
