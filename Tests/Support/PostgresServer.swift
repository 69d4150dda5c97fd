internal import Glibc
package import PostgresDriver
internal import SQLCore
internal import SystemPackage
internal import Threads

/// A PostgreSQL server for the whole test process, on a socket in a temporary folder, started when
/// the first test asks for it. Each database of a test is a schema of its own.
package enum PostgresServer {
  package struct Failure: Error, CustomStringConvertible { package let description: String }

  /// Whether tests on PostgreSQL run: where it is installed, and where continuous integration
  /// (`CI=true`) demands it and fails without.
  package static let isExpected = programs != nil || environment("CI") == "true"

  /// Runs the body on a new, empty database. Few are open at a time; the others wait.
  package static func withDatabase(
    _ configuration: PostgresConfiguration = testConfiguration,
    _ body: (PostgresDatabase) async throws -> Void
  ) async throws {
    try await withSchema { url in
      try await withDatabase(url, configuration, body)
    }
  }

  /// Runs the body on a new, empty database that is open twice.
  package static func withReplicas(
    _ configuration: PostgresConfiguration = testConfiguration,
    _ body: (PostgresDatabase, PostgresDatabase) async throws -> Void
  ) async throws {
    try await withSchema { url in
      try await withDatabase(url, configuration) { first in
        try await withDatabase(url, configuration) { second in try await body(first, second) }
      }
    }
  }

  private static func withSchema(_ body: (String) async throws -> Void) async throws {
    await slots.take()
    do {
      try await body(try await newSchema())
    } catch {
      await slots.release()
      throw error
    }
    await slots.release()
  }

  private static func withDatabase(
    _ url: String, _ configuration: PostgresConfiguration,
    _ body: (PostgresDatabase) async throws -> Void
  ) async throws {
    let database = try PostgresDatabase(url: url, configuration: configuration)
    do {
      try await body(database)
    } catch {
      await database.close()
      throw error
    }
    await database.close()
  }

  /// A new, empty database.
  static func openDatabase() async throws -> PostgresDatabase {
    try PostgresDatabase(url: try await newSchema(), configuration: testConfiguration)
  }

  /// The URL of a database on the server that nobody has made.
  package static func missingDatabase(_ name: String) async throws -> String {
    try await server.value.url.replacing("/postgres?", with: "/\(name)?")
  }

  /// The URL of a new, empty database.
  package static func newSchema() async throws -> String {
    let server = try await server.value
    let row = try await server.administration.write { transaction in
      try transaction.first(
        "SELECT 'test_' || nextval('test_number') AS name")
    }
    let name = try row?.text("name") ?? ""
    try await server.administration.write { transaction in
      try transaction.script("CREATE SCHEMA \(name)")
    }
    return server.url + "&options=-csearch_path%3D\(name)"
  }

  /// The URL of a schema for another user, whom the test has made.
  package static func url(ofSchema schema: String, user: String) async throws -> String {
    try await server.value.url.replacing("kontor@", with: "\(user)@")
      + "&options=-csearch_path%3D\(schema)"
  }

  /// Few connections: most tests need one or two at a time.
  package static var testConfiguration: PostgresConfiguration {
    var configuration = PostgresConfiguration()
    configuration.connections = 4
    return configuration
  }

  private struct Server: Sendable {
    let url: String
    let administration: PostgresDatabase
  }

  /// Whoever opens databases takes a place first, and gives it back after closing them.
  static let slots = Slots(count: 6)

  private static let server = Task {
    let folder = try await withCheckedThrowingContinuation { continuation in
      do {
        try DedicatedThread.start(named: "postgres-start") {
          continuation.resume(with: Result { try start() })
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
    let url = "postgres://kontor@/postgres?host=\(folder)"
    var configuration = PostgresConfiguration()
    configuration.connections = 1
    let administration = try await PostgresDatabase.open(url: url, configuration: configuration)
    try await administration.write { transaction in
      try transaction.script("CREATE SEQUENCE test_number")
    }
    return Server(url: url, administration: administration)
  }
}

/// The server's process.
extension PostgresServer {
  /// The folder with `initdb` and `pg_ctl`; nil where PostgreSQL is not installed.
  private static let programs: String? = {
    let versions = (13...30).reversed().map { "/usr/lib/postgresql/\($0)/bin" }
    let path = environment("PATH")?.split(separator: ":").map(String.init) ?? []
    return (versions + path).first { folder in
      ["initdb", "pg_ctl", "postgres"].allSatisfy { access("\(folder)/\($0)", X_OK) == 0 }
    }
  }()

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Starts the server, and with it a shell that stops it and removes everything as soon as the
  /// pipe to it closes, however this process ends. Blocks; the folder with the socket.
  private static func start() throws -> String {
    guard let programs else {
      throw Failure(description: "PostgreSQL is not installed (Debian package postgresql)")
    }
    var template = Array("/tmp/kontor-postgres-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary folder") }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let lifeline = try FileDescriptor.pipe(options: [.closeOnExec])
    let answer = try FileDescriptor.pipe(options: [.closeOnExec])
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, lifeline.readEnd.rawValue, 0)
    posix_spawn_file_actions_adddup2(&actions, answer.writeEnd.rawValue, 1)
    posix_spawn_file_actions_addopen(&actions, 2, folder + "/log", O_WRONLY | O_CREAT, 0o600)
    let words: [String] = ["/bin/bash", "-c", script, "bash", programs, folder]
    let arguments = words.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let result = posix_spawn(&process, "/bin/bash", &actions, nil, arguments + [nil], environ)
    try lifeline.readEnd.close()
    try answer.writeEnd.close()
    guard result == 0 else { throw Failure(description: "no shell (error \(result))") }
    // The lifeline's writing end stays open as long as this process lives.
    let line = try readLine(answer.readEnd)
    try answer.readEnd.close()
    guard line == "ready" else {
      throw Failure(description: "PostgreSQL does not start: \(line)")
    }
    return folder
  }

  private static func readLine(_ end: FileDescriptor) throws -> String {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while try withUnsafeMutableBytes(of: &byte, { try end.read(into: $0) }) == 1, byte != 0x0A {
      line.append(byte)
    }
    return String(decoding: line, as: UTF8.self)
  }

  /// The server outlasts every test: what it inherited it would keep, such as another test's port or
  /// the writing end of its pipe, for which that test then waits.
  private static let script = """
    for open in /proc/self/fd/*; do
      open=${open##*/}
      if [ "$open" -gt 2 ]; then eval "exec $open>&-"; fi
    done
    trap '' HUP INT TERM
    programs=$1 folder=$2 as=
    cd "$folder" || exit
    if [ "$(id -u)" -eq 0 ]; then
      user=postgres
      id "$user" >/dev/null 2>&1 || user=nobody
      chown "$user" "$folder"
      as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
    fi
    {
      LC_ALL=C $as "$programs/initdb" -D data -U kontor -A trust -E UTF8 --locale=C --no-sync \\
        --no-instructions &&
      $as "$programs/pg_ctl" -D data -w -l "$folder/server-log" -o "-c listen_addresses='' \\
        -c unix_socket_directories='$folder' -c fsync=off -c full_page_writes=off -c jit=off \\
        -c max_connections=100 -c autovacuum=off -c shared_buffers=32MB" start
    } </dev/null >&2 && echo ready || echo $(tail -n 3 log)
    exec >/dev/null
    cat
    $as "$programs/pg_ctl" -D data -m immediate stop
    cd / && rm -rf "$folder"
    """
}

/// Bounds how many are at something at a time.
actor Slots {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(count: Int) {
    free = count
  }

  func take() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func release() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}
