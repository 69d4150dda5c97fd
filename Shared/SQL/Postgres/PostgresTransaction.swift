internal import SQLCore

/// The statements of one body's run, on the connection of the thread that runs it.
final class PostgresTransaction: Transaction {
  /// What is left of the transaction after a failed statement.
  enum Extent {
    /// The body is alone in it.
    case whole
    /// The body has a savepoint of its own.
    case savepoint
  }

  private let connection: PostgresConnection
  private let extent: Extent
  private var hasEnded = false
  /// The failure that ended the transaction. In a batch it may be an earlier body's, whose statements
  /// were not waited for.
  private(set) var failure: PostgresFailure?

  init(_ connection: PostgresConnection, _ extent: Extent) {
    self.connection = connection
    self.extent = extent
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

  func enqueue(_ sql: SQL) throws(SQLError) {
    try guarded { () throws(PostgresFailure) in
      try connection.enqueue(sql)
    }
  }

  func rows(_ sql: SQL) throws(SQLError) -> [Row] {
    try guarded { () throws(PostgresFailure) in
      let maximumRows = connection.configuration.maximumRows
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
      let failure = connection.undone(error, extent)
      self.failure = failure
      throw failure.error
    }
  }
}

extension PostgresConnection {
  /// Undoes what a failed statement leaves of a transaction, and returns the failure with the columns
  /// of the unique index that refused a row: in a failed transaction the catalogue cannot be asked.
  func undone(
    _ failure: PostgresFailure, _ extent: PostgresTransaction.Extent
  ) -> PostgresFailure {
    // These end the whole transaction, and before the first body there is no savepoint.
    guard failure.consequence == .none, extent == .whole || failure.body != nil else {
      return failure
    }
    var undone = failure
    let body = body
    defer { self.body = body }
    self.body = nil
    do {
      switch extent {
      case .whole: if isInTransaction { try run(.rollback) }
      case .savepoint: try run(.rollbackToSavepoint)
      }
      if let index = failure.index, let columns = try columns(ofIndex: index) {
        undone.error.code = .unique(columns)
      }
    } catch {
      if isLost || error.consequence != .none { return error }
    }
    return undone
  }
}
