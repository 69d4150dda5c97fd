internal import SQLCore

/// A statement that was prepared on a connection, or is to be as soon as what was sent arrives.
final class PostgresStatement {
  let name: String
  /// The parameters' types as declared; 0 where the value was NULL.
  let types: [UInt32]
  /// What errors call it: the beginning of its text, which holds no values.
  let label: String
  var columns: [String] = []
  var columnTypes: [UInt32] = []
  var lastUse = 0

  init(name: String, types: [UInt32], text: String) {
    self.name = name
    self.types = types
    label = text.prefix(100).split(whereSeparator: \.isWhitespace).prefix(4).joined(separator: " ")
  }

  /// One that is sent once, for which errors have a name of its own.
  init(label: String) {
    name = ""
    types = []
    self.label = label
  }

  /// Whether the values can be bound: NULL is of every type.
  func takes(_ values: [SQLValue]) -> Bool {
    guard types.count == values.count else { return false }
    for (type, value) in zip(types, values)
    where value != .null && type != PostgresValue.type(of: value) { return false }
    return true
  }
}

/// The prepared statements of a connection, the most recently used ones.
struct PostgresStatements {
  private let capacity: Int
  /// By the text; several where NULL stands for a parameter.
  private var statements: [SQLTemplate: [PostgresStatement]] = [:]
  private var uses = 0
  private var prepared = 0

  init(capacity: Int) {
    self.capacity = capacity
  }

  /// The statement for a text and its values, where there is one.
  mutating func find(_ sql: SQL) -> PostgresStatement? {
    uses += 1
    guard let statement = statements[sql.template]?.first(where: { $0.takes(sql.values) }) else {
      return nil
    }
    statement.lastUse = uses
    return statement
  }

  /// A new statement, which the caller prepares.
  mutating func add(_ sql: SQL, text: String) -> PostgresStatement {
    prepared += 1
    let statement = PostgresStatement(
      name: "kontor_\(prepared)", types: sql.values.map(PostgresValue.type(of:)), text: text)
    statement.lastUse = uses
    statements[sql.template, default: []].append(statement)
    return statement
  }

  /// Forgets the text that was used longest ago when the cache is full; its statements, which the
  /// caller gives back to the server.
  mutating func makeRoom() -> [PostgresStatement] {
    func lastUse(_ statements: [PostgresStatement]) -> Int { statements.map(\.lastUse).max() ?? 0 }
    guard statements.count >= capacity,
      let oldest = statements.min(by: { lastUse($0.value) < lastUse($1.value) })
    else { return [] }
    statements[oldest.key] = nil
    return oldest.value
  }

  /// Forgets a statement that the server did not come to prepare.
  mutating func remove(_ statement: PostgresStatement) {
    for (template, known) in statements where known.contains(where: { $0 === statement }) {
      statements[template] = known.filter { $0 !== statement }
    }
  }

  mutating func removeAll() {
    statements = [:]
  }
}
