private import CPostgres
internal import SQLCore

/// A failed statement: what callers are told, and what the driver has to do about it.
struct PostgresFailure: Error {
  /// What the driver does.
  enum Consequence {
    /// The error goes to the caller.
    case none
    /// The body runs again: a concurrent transaction was in its way.
    case collision
    /// The body runs again after the connection's prepared statements were dropped.
    case staleStatements
    /// The connection is gone.
    case lost
  }

  var error: SQLError
  var consequence = Consequence.none
  /// The SQLSTATE, empty where the server did not say it.
  var state = ""
  /// The unique index that refused a row.
  var index: (schema: String, name: String)?
  /// Which body of a batch the statement belongs to; nil for the driver's own.
  var body: Int?
  /// What was answered with it; nil where nothing was answered.
  var kind: PostgresConnection.Sent.Kind?

  init(_ error: SQLError, _ consequence: Consequence = .none, body: Int? = nil) {
    self.error = error
    self.consequence = consequence
    self.body = body
  }

  /// Whether a commit that was sent may have been carried out: the server has not said that it failed
  /// before.
  var leavesCommitOpen: Bool {
    consequence == .lost && (state.isEmpty || kind == .commit || kind == nil)
  }

  /// The answer to what was sent behind a statement that failed.
  static var skipped: PostgresFailure {
    PostgresFailure(SQLError(.aborted, "an earlier statement has failed"))
  }
}

extension PostgresFailure {
  /// The failure that a result tells. Only the fields without values go into the message.
  init(_ result: OpaquePointer, while doing: String, body: Int?, file: String = #fileID) {
    self.body = body
    let state = unsafe Self.field(kontor_pq_state, of: result)
    self.state = state
    let message = unsafe Self.field(kontor_pq_message, of: result)
    let constraint = unsafe Self.field(kontor_pq_constraint, of: result)
    let table = unsafe Self.field(kontor_pq_table, of: result)
    let column = unsafe Self.field(kontor_pq_column, of: result)
    let code = Self.code(
      state, message: message, constraint: constraint, column: "\(table).\(column)")
    // What the server says of wrong data quotes it.
    let text = state.hasPrefix("22") ? "a value does not fit" : message
    error = SQLError(code, "\(doing): \(text) (SQLSTATE \(state))", file: file)
    switch state {
    case "40001", "40P01": consequence = .collision
    // The server shuts down, or has just crashed, and ends this connection.
    case "57P01", "57P02", "57P03": consequence = .lost
    // The statement's plan or name is gone: the schema changed, or a pooler changed servers.
    case "26000": consequence = .staleStatements
    case "0A000" where message.hasPrefix("cached plan"): consequence = .staleStatements
    default: consequence = .none
    }
    if state == "23505" {
      index = (unsafe Self.field(kontor_pq_schema, of: result), constraint)
    }
  }

  private static func field(_ code: Int32, of result: OpaquePointer) -> String {
    guard let text = unsafe PQresultErrorField(result, code) else { return "" }
    return unsafe String(cString: text)
  }

  /// The meaning of an SQLSTATE (PostgreSQL's documentation, appendix A).
  static func code(
    _ state: String, message: String, constraint: String, column: String
  ) -> SQLError.Code {
    switch state {
    case "23505": .unique(["index:\(constraint)"])
    case "23514": .check(constraint)
    case "23503": .foreignKey(constraint)
    case "23502": .notNull(column)
    // RAISE EXCEPTION of a trigger.
    case "P0001": .constraint(message)
    case "53100": .full
    case "53200": .outOfMemory
    case "25006": .readOnly
    case "25P02": .aborted
    case "55P03", "57014": .busy
    case "53300": .overloaded
    case "57P03": .cannotOpen
    case "08P01": .misuse
    case "XX001", "XX002": .corrupt
    default: code(ofClass: state.prefix(2), constraint: constraint)
    }
  }

  private static func code(ofClass stateClass: Substring, constraint: String) -> SQLError.Code {
    switch stateClass {
    case "23": .constraint(constraint.isEmpty ? nil : constraint)
    case "40": .serialization
    case "53": .busy
    case "54": .tooLarge
    case "08", "57": .connectionLost
    case "58": .io
    case "0A", "22", "25", "26", "2B", "2D", "34", "3B", "3D", "3F", "42": .misuse
    default: .other
    }
  }
}
