private import Glibc
internal import SQLCore

extension SQLiteDatabase {
  /// Makes the folder of the template's name, whose X it replaces.
  private static func makeFolder(_ template: UnsafeMutableBufferPointer<CChar>) -> Bool {
    guard let name = template.baseAddress else { return false }
    return unsafe mkdtemp(name) != nil
  }

  /// A new, empty database in a new folder of the system's temporary directory (`TMPDIR`, else
  /// `/tmp`), for tests. The folder is removed when the database is closed or released.
  package static func temporary(
    configuration: SQLiteConfiguration = SQLiteConfiguration()
  ) throws -> SQLiteDatabase {
    let parent = unsafe getenv("TMPDIR").flatMap { unsafe String(validatingCString: $0) } ?? "/tmp"
    var template = Array("\(parent)/kontor-XXXXXX".utf8CString)
    guard unsafe template.withUnsafeMutableBufferPointer({ unsafe makeFolder($0) })
    else { throw SQLError(.cannotOpen, "no temporary folder can be made in \(parent)") }
    let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    let path = folder + "/database"
    return try SQLiteDatabase(path: path, configuration: configuration) {
      for suffix in ["", "-wal", "-shm", ".lock"] { unsafe unlink(path + suffix) }
      unsafe rmdir(folder)
    }
  }
}
