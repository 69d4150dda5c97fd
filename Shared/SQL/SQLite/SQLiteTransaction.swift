internal import SQLCore

/// The statements of one body, on the connection of the thread that runs it.
final class SQLiteTransaction: Transaction {
  private let connection: SQLiteConnection
  private let maximumRows: Int
  private var hasEnded = false
  /// The error that ended the transaction.
  private(set) var failure: SQLError?
  private let changesBefore: Int64
  private var hasRunScript = false

  init(_ connection: SQLiteConnection, maximumRows: Int) {
    self.connection = connection
    self.maximumRows = maximumRows
    changesBefore = connection.totalChanges
  }

  /// Whether there may be something to roll back.
  var hasChanges: Bool {
    failure != nil || hasRunScript || connection.totalChanges != changesBefore
  }

  /// Refuses statements from here on.
  func end() {
    hasEnded = true
  }

  var dialect: Dialect { .sqlite }

  func execute(_ sql: SQL) throws(SQLError) -> Int {
    try guarded { () throws(SQLError) in
      try connection.run(sql) { (_) throws(SQLError) in }
    }
  }

  func rows(_ sql: SQL) throws(SQLError) -> [Row] {
    try guarded { () throws(SQLError) in
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
    try guarded { () throws(SQLError) in
      var first: Row?
      _ = try connection.run(sql) { (row) throws(SQLError) in
        if first == nil { first = row }
      }
      return first
    }
  }

  func script(_ text: String) throws(SQLError) {
    hasRunScript = true
    return try guarded { () throws(SQLError) in
      try connection.script(text)
    }
  }

  private func guarded<Result>(_ body: () throws(SQLError) -> Result) throws(SQLError) -> Result {
    if let failure {
      throw SQLError(.aborted, "the transaction has failed before: \(failure.message)")
    }
    if hasEnded { throw SQLError(.misuse, "the transaction has ended") }
    do {
      return try body()
    } catch {
      failure = error
      throw error
    }
  }
}
