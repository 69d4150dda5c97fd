private import Glibc
internal import SQLCore

/// The database's file and the lock that keeps a second process out.
@safe
final class SQLiteFile: Sendable {
  private let lock: Int32

  /// Creates the file (mode 0600) where it is missing and takes its lock. The errors are one clear
  /// line each.
  init(path: String) throws(SQLError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw SQLError(.cannotOpen, "the database's path is empty or holds a NUL")
    }
    let localPath = Self.localPath(path)
    let directory = Self.directory(of: localPath)
    try Self.check(directory: directory)
    lock = try Self.takeLock(localPath + ".lock", for: path)
    do {
      try Self.create(localPath, in: directory)
    } catch {
      Glibc.close(lock)
      throw error
    }
  }

  /// The path as SQLite takes it, never a URI: `file:…` and `:memory:` would mean something else.
  static func localPath(_ path: String) -> String { path.hasPrefix("/") ? path : "./" + path }

  /// Gives the lock back.
  func close() {
    Glibc.close(lock)
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func check(directory: String) throws(SQLError) {
    var status = stat()
    guard unsafe stat(directory, &status) == 0 else {
      throw failure("the database's directory \(directory) cannot be used", errno)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw SQLError(.cannotOpen, "\(directory) is not a directory")
    }
    guard unsafe access(directory, R_OK | W_OK | X_OK) == 0 else {
      throw failure("the database's directory \(directory) is not writable", errno)
    }
    // Others could put another file in the place of the log.
    if status.st_mode & S_IWOTH != 0 && status.st_mode & S_ISVTX == 0 {
      throw SQLError(
        .cannotOpen, "the database's directory \(directory) is writable for everybody")
    }
  }

  private static func takeLock(_ path: String, for database: String) throws(SQLError) -> Int32 {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("the lock file \(path) cannot be opened", errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let number = errno
      let owner = processID(in: descriptor)
      Glibc.close(descriptor)
      guard number == EWOULDBLOCK else { throw failure("\(path) cannot be locked", number) }
      throw SQLError(
        .cannotOpen,
        "the database \(database) is in use by another process\(owner.map { " (\($0))" } ?? "")")
    }
    var text = "\(getpid())\n"
    text.withUTF8 { bytes in
      // The number is for the message above only; the lock holds without it.
      if ftruncate(descriptor, 0) == 0 {
        _ = unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, 0)
      }
    }
    return descriptor
  }

  private static func processID(in descriptor: Int32) -> Int? {
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      count = unsafe max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
    }
    return Int(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
  }

  private static func create(_ path: String, in directory: String) throws(SQLError) {
    var isNew = true
    var descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor < 0 && errno == EEXIST {
      isNew = false
      descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    }
    guard descriptor >= 0 else { throw failure("the database \(path) cannot be opened", errno) }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw SQLError(.cannotOpen, "the database \(path) is not a regular file")
    }
    if isNew { try synchronize(directory) }
  }

  /// Makes the new file's name durable.
  private static func synchronize(_ directory: String) throws(SQLError) {
    let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw failure("the directory \(directory) cannot be opened", errno)
    }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else {
      throw failure("the directory \(directory) cannot be written", errno)
    }
  }

  private static func failure(_ message: String, _ number: Int32) -> SQLError {
    SQLError(.cannotOpen, "\(message): \(unsafe String(cString: strerror(number)))")
  }
}
