internal import SQLCore

/// The statements of one body's run, on the connection of the thread that runs it.
final class PostgresTransaction: Transaction {
  private let connection: PostgresConnection
  private let maximumRows: Int
  private var hasEnded = false
  /// The failure that ended the transaction.
  private(set) var failure: PostgresFailure?

  init(_ connection: PostgresConnection, maximumRows: Int) {
    self.connection = connection
    self.maximumRows = maximumRows
  }

  /// Refuses statements from here on.
  func end() {
    hasEnded = true
  }

  var dialect: Dialect { .postgres }

  func execute(_ sql: SQL) throws(SQLError) -> Int {
    try guarded { () throws(PostgresFailure) in
      try connection.run(sql) { (_) throws(SQLError) in }
    }
  }

  func rows(_ sql: SQL) throws(SQLError) -> [Row] {
    try guarded { () throws(PostgresFailure) in
      var rows: [Row] = []
      _ = try connection.run(sql) { (row) throws(SQLError) in
        if rows.count == maximumRows {
          throw SQLError(.tooLarge, "a statement returned more than \(maximumRows) rows")
        }
        rows.append(row)
      }
      return rows
    }
  }

  func first(_ sql: SQL) throws(SQLError) -> Row? {
    try guarded { () throws(PostgresFailure) in
      var first: Row?
      _ = try connection.run(sql) { (row) throws(SQLError) in
        if first == nil { first = row }
      }
      return first
    }
  }

  func script(_ text: String) throws(SQLError) {
    try guarded { () throws(PostgresFailure) in
      try connection.script(text)
    }
  }

  private func guarded<Result>(
    _ body: () throws(PostgresFailure) -> Result
  ) throws(SQLError) -> Result {
    if let failure {
      throw SQLError(.aborted, "the transaction has failed before: \(failure.error.message)")
    }
    if hasEnded { throw SQLError(.misuse, "the transaction has ended") }
    do {
      return try body()
    } catch {
      let failure = connection.explained(error)
      self.failure = failure
      throw failure.error
    }
  }
}

extension PostgresConnection {
  /// The failure with the columns of the unique index that refused a row. The transaction, which
  /// has failed, is rolled back for this: only outside of it the catalogue can be asked.
  func explained(_ failure: PostgresFailure) -> PostgresFailure {
    guard let index = failure.index else { return failure }
    var explained = failure
    do {
      if isInTransaction { try run(.rollback) }
      if let columns = try columns(ofIndex: index) { explained.error.code = .unique(columns) }
    } catch {
      if isLost { return error }
    }
    return explained
  }
}
