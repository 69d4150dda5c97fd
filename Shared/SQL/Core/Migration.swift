/// One forward step of a schema, with the same meaning in each dialect.
///
/// A migration that has run anywhere is never edited: its text's checksum is recorded in the
/// database and compared at every start.
package struct Migration: Sendable, Hashable {
  /// The order; 1…99 are the shared tables', a service's own start at 100.
  package let number: Int
  /// A short name for people: `create_orders`.
  package let name: String
  /// The statements for SQLite, separated by semicolons.
  package let sqlite: String
  /// The statements for PostgreSQL; empty while the table has none yet.
  package let postgres: String

  package init(number: Int, name: String, sqlite: String, postgres: String = "") {
    precondition(number > 0, "migrations are numbered from 1")
    precondition(!name.isEmpty, "a migration needs a name")
    self.number = number
    self.name = name
    self.sqlite = sqlite
    self.postgres = postgres
  }

  /// The statements for the dialect.
  package func text(for dialect: Dialect) -> String {
    switch dialect {
    case .sqlite: sqlite
    case .postgres: postgres
    }
  }

  /// The checksum of the dialect's text: FNV-1a, 64 bits, as 16 hexadecimal digits. It finds an
  /// edit made in error; nobody is kept from forging it.
  package func checksum(for dialect: Dialect) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text(for: dialect).utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
