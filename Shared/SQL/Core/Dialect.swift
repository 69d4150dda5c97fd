/// The SQL dialects that the drivers speak. Code outside a driver asks for it only where the same
/// meaning needs different text.
package enum Dialect: Sendable, Hashable, CaseIterable {
  case sqlite
  case postgres

  /// Whether several processes may use one database at once. SQLite's file belongs to one.
  package var isShared: Bool { self == .postgres }

  /// The text of the parameter with the given number, counted from 1: `?1` or `$1`.
  package func placeholder(_ number: Int) -> String {
    switch self {
    case .sqlite: "?\(number)"
    case .postgres: "$\(number)"
    }
  }
}
