/// Where a PostgreSQL database is: `postgres://user@host:port/database?sslmode=verify-full`, with
/// the options of libpq. It holds no password, so it can be logged and shown in a list of processes.
package struct DatabaseURL: Sendable, Hashable, CustomStringConvertible {
  /// The URL as it was given.
  package let text: String

  /// - Throws: ``MalformedValue``, which does not quote the value, when it is no such URL or holds a
  ///   password.
  package init(_ text: String) throws(MalformedValue) {
    self.text = text
    guard
      ["postgres://", "postgresql://"].contains(where: text.hasPrefix),
      !text.unicodeScalars.contains(where: { isUnprintable($0) || $0 == " " })
    else {
      throw MalformedValue(
        "is no URL of PostgreSQL: write postgres://user@host:port/database", hidesValue: true)
    }
    let user = text[parts.authority].split(separator: "@", omittingEmptySubsequences: false)
    let hasPassword = user.count > 1 && user.dropLast().joined().contains(":")
    let options = text[parts.path.upperBound...].dropFirst().split(separator: "&")
    guard !hasPassword, !options.contains(where: { $0.lowercased().contains("password=") }) else {
      throw MalformedValue(
        "holds a password, which others may see: give it as PGPASSWORD or in a PGPASSFILE",
        hidesValue: true)
    }
  }

  package var description: String { text }

  /// The name of the database, empty where none is given.
  package var database: String { String(text[parts.path].dropFirst()) }

  /// The same server with another database.
  ///
  /// - Parameter name: letters, digits and `_`.
  package func with(database name: String) -> String {
    text[..<parts.authority.upperBound] + "/" + name + text[parts.path.upperBound...]
  }

  /// `host:port`, with the user, and `/database`.
  private var parts: (authority: Range<String.Index>, path: Range<String.Index>) {
    var start = text.startIndex
    if let slash = text.firstIndex(of: "/") {
      start = text.index(slash, offsetBy: 2, limitedBy: text.endIndex) ?? text.endIndex
    }
    let end = text[start...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
    let pathEnd = text[end...].firstIndex(of: "?") ?? text.endIndex
    return (start..<end, end..<pathEnd)
  }
}

extension Setting where Value == DatabaseURL? {
  /// `database`
  package static var database: Setting {
    Setting<DatabaseURL>(
      "database",
      "PostgreSQL server, and the service's database on it, kontor_<service> where none is named; a "
        + "file in data.folder where not given. Password: PGPASSWORD or PGPASSFILE",
      form: "postgres://user@host:port/database", default: nil
    ) { text throws(MalformedValue) in
      try DatabaseURL(text)
    }.optional
  }
}

extension Setting where Value == Int {
  /// `database.connections`
  package static var databaseConnections: Setting {
    .number(
      "database.connections", "connections to the PostgreSQL server, each made when it is needed",
      in: 1...200, default: "8")
  }
}
