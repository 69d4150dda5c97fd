internal import Glibc
internal import Operator
internal import Subprocess
internal import SystemPackage

/// PostgreSQL's own `pg_dump` and `pg_restore`, of a server's major version.
///
/// They are told where a database is by a URL, which holds no password: like the services they take
/// it from `PGPASSWORD` or a `PGPASSFILE`.
struct PostgresTools {
  private let folder: String

  /// Looks for the tools where Debian keeps each version, then on the `PATH`.
  ///
  /// - Throws: `OperatorError` naming the package that is missing.
  init(version: Int) async throws {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let folders =
      ["/usr/lib/postgresql/\(version)/bin"] + path.split(separator: ":").map(String.init)
    for folder in folders
    where access("\(folder)/pg_dump", X_OK) == 0 && access("\(folder)/pg_restore", X_OK) == 0 {
      if try await Self.majorVersion(of: "\(folder)/pg_dump") == version {
        self.folder = folder
        return
      }
    }
    throw OperatorError(
      "pg_dump and pg_restore of PostgreSQL \(version), the server's version, are missing: install"
        + " postgresql-client-\(version) (Debian's package), or put them on the PATH")
  }

  /// What `pg_dump --version` says: `pg_dump (PostgreSQL) 15.14 (Debian …)`.
  private static func majorVersion(of program: String) async throws -> Int? {
    let result = try await Subprocess.run(
      .path(FilePath(program)), arguments: ["--version"], output: .string(limit: 4096))
    let words = result.standardOutput.split { $0 == " " || $0 == "\n" }
    guard words.count > 2 else { return nil }
    return Int(words[2].prefix { $0.isNumber })
  }

  /// Writes a database, as an exported snapshot shows it, to a new file for its owner alone.
  func dump(_ url: String, snapshot: String, to path: String) async throws {
    let file = try FileDescriptor.open(
      FilePath(path), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
      permissions: [.ownerReadWrite])
    defer { try? file.close() }
    let result = try await Subprocess.run(
      .path(FilePath("\(folder)/pg_dump")),
      arguments: [
        "--format=custom", "--no-owner", "--no-privileges", "--no-password",
        "--snapshot=\(snapshot)", "--dbname=\(url)",
      ],
      output: .fileDescriptor(file, closeAfterSpawningProcess: false),
      error: .string(limit: 1 << 20))
    guard result.terminationStatus.isSuccess else {
      throw OperatorError("pg_dump failed: \(Self.line(result.standardError))")
    }
    try StackFiles.synchronize(file: path)
  }

  /// Fills an empty database with what a dump holds, wholly or not at all.
  func restore(_ path: String, to url: String) async throws {
    let result = try await Subprocess.run(
      .path(FilePath("\(folder)/pg_restore")),
      arguments: [
        "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
        "--no-password", "--dbname=\(url)", path,
      ],
      output: .discarded, error: .string(limit: 1 << 20))
    guard result.terminationStatus.isSuccess else {
      throw OperatorError("pg_restore of \(path) failed: \(Self.line(result.standardError))")
    }
  }

  /// What a program said, in one line.
  private static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
