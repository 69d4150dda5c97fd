private import CPostgres
private import Glibc
internal import SQLCore

/// What is sent, and its answers. Statements are sent without waiting for those before them (libpq's
/// pipeline mode, PostgreSQL's documentation 34.5); a synchronisation point takes all answers. After
/// an error the server skips what was sent before that point.
extension PostgresConnection {
  /// A message that has not been answered.
  struct Sent {
    enum Kind {
      case prepare
      /// BEGIN, and the wait for the turn.
      case begin
      case run
      /// COMMIT, which in a failed transaction rolls back and tells so by its tag alone.
      case commit
    }

    let kind: Kind
    let statement: PostgresStatement
    /// Which body of the batch it belongs to; nil for what the driver sends for itself.
    let body: Int?
  }

  /// How much may be unanswered: little enough that the server, which then waits for nobody, can
  /// write all of its answers.
  private static var mostUnanswered: Int { 128 }

  /// Sends a statement of a transaction's body without waiting for it. Rows that it returns are
  /// dropped; its error is thrown at the next synchronisation point.
  func enqueue(_ sql: SQL) throws(PostgresFailure) {
    if sent.count >= Self.mostUnanswered { try synchronize() }
    try send(try cached(sql), sql.values, .run, of: body)
  }

  /// Sends a statement that delimits a transaction without waiting for it.
  func enqueue(_ control: Control) throws(PostgresFailure) {
    let statement: PostgresStatement
    if let known = controls[control] {
      statement = known
    } else {
      let text = control.text(configuration)
      statement = PostgresStatement(name: "kontor_\(control)", types: [], text: text)
      try prepare(statement, text, of: nil)
      controls[control] = statement
    }
    let kind: Sent.Kind =
      switch control {
      case .beginWrite, .takeTurn: .begin
      case .commit: .commit
      default: .run
      }
    try send(statement, [], kind, of: nil)
  }

  /// Runs a statement of a transaction's body; the number of rows that it changed.
  func run(
    _ sql: SQL, _ receive: (Row) throws(SQLError) -> Void
  ) throws(PostgresFailure) -> Int {
    if sent.count >= Self.mostUnanswered { try synchronize() }
    let statement = try cached(sql)
    try send(statement, sql.values, .run, of: body)
    return try synchronize(within: configuration.answerPatience, takesRows: true, receive)
  }

  /// Runs a statement that delimits a transaction.
  func run(_ control: Control) throws(PostgresFailure) {
    try enqueue(control)
    try synchronize()
  }

  /// Rolls back whatever is open. What was sent and not waited for may fail first, and the ROLLBACK
  /// behind it is skipped.
  func rollBack() throws(PostgresFailure) {
    do {
      try run(.rollback)
    } catch {
      if isLost { throw error }
      if isInTransaction { try run(.rollback) }
    }
  }

  /// Runs several statements without parameters, free of the time limits.
  func script(_ text: String) throws(PostgresFailure) {
    try enqueue(.withoutStatementTimeout)
    try enqueue(.withoutLockTimeout)
    for text in PostgresScript.statements(text) {
      try refuseControl(text)
      try send(text)
      try synchronize(within: nil)
    }
    try enqueue(.withStatementTimeout)
    try enqueue(.withLockTimeout)
  }

  /// Runs one statement without parameters, outside of transactions' bodies.
  func simple(_ text: String, while doing: String) throws(PostgresFailure) {
    try send(text, PostgresStatement(label: doing))
    try synchronize()
  }

  /// Sends one statement without parameters, which is not kept.
  func send(_ text: String) throws(PostgresFailure) {
    try send(text, PostgresStatement(name: "", types: [], text: text))
  }

  private func send(_ text: String, _ statement: PostgresStatement) throws(PostgresFailure) {
    guard unsafe PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 1) == 1 else {
      throw lost(while: statement.label)
    }
    sent.append(Sent(kind: .run, statement: statement, body: body))
  }

  /// Forgets all prepared statements.
  func dropStatements() {
    try? run(.dropStatements)
    statements.removeAll()
    controls = [:]
  }

  private func cached(_ sql: SQL) throws(PostgresFailure) -> PostgresStatement {
    if let statement = statements.find(sql) { return statement }
    guard sql.values.count <= Int(UInt16.max) else {
      throw failure(SQLError(.tooLarge, "the statement has \(sql.values.count) parameters"))
    }
    let text = sql.rendered(for: .postgres)
    try refuseControl(text)
    for old in statements.makeRoom() {
      try send("DEALLOCATE \(old.name)")
    }
    let statement = statements.add(sql, text: text)
    do {
      try prepare(statement, text, of: body)
    } catch {
      statements.remove(statement)
      throw error
    }
    return statement
  }

  private func prepare(
    _ statement: PostgresStatement, _ text: String, of body: Int?
  ) throws(PostgresFailure) {
    let isSent = unsafe statement.types.withUnsafeBufferPointer { types in
      unsafe PQsendPrepare(handle, statement.name, text, Int32(types.count), types.baseAddress) == 1
    }
    guard isSent else { throw lost(while: statement.label) }
    sent.append(Sent(kind: .prepare, statement: statement, body: body))
  }

  private func refuseControl(_ text: String) throws(PostgresFailure) {
    if PostgresScript.isControl(text) {
      throw failure(
        SQLError(.misuse, "statements must not control transactions or the connection"))
    }
  }

  /// Sends the values in binary form.
  private func send(
    _ statement: PostgresStatement, _ values: [SQLValue], _ kind: Sent.Kind, of body: Int?
  ) throws(PostgresFailure) {
    var bytes: [UInt8] = []
    var offsets: [Int] = []
    offsets.reserveCapacity(values.count + 1)
    for value in values {
      offsets.append(bytes.count)
      PostgresValue.encode(value, into: &bytes)
    }
    offsets.append(bytes.count)
    // An empty value needs an address too.
    bytes.append(0)
    let lengths = values.indices.map { Int32(clamping: offsets[$0 + 1] - offsets[$0]) }
    let formats = [Int32](repeating: 1, count: values.count)
    let isSent = unsafe bytes.withUnsafeBytes { bytes in
      let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      let pointers = unsafe values.indices.map { index in
        unsafe values[index] == .null ? nil : start.map { unsafe $0 + offsets[index] }
      }
      return unsafe PQsendQueryPrepared(
        handle, statement.name, Int32(values.count), pointers, lengths, formats, 1) == 1
    }
    guard isSent else { throw lost(while: statement.label) }
    sent.append(Sent(kind: kind, statement: statement, body: body))
  }
}

/// Answers.
extension PostgresConnection {
  /// Takes the answers of all that was sent, and throws the first error.
  func synchronize() throws(PostgresFailure) {
    try synchronize(within: configuration.answerPatience)
  }

  /// Takes the answers of all that was sent, gives the rows of the last statement to `receive`, and
  /// returns how many rows the last one changed. The first error is thrown after the last answer.
  ///
  /// - Parameters:
  ///   - patience: how long the server may keep silent; nil is for ever.
  ///   - takesRows: whether rows are looked at.
  @discardableResult
  private func synchronize(
    within patience: Duration?, takesRows: Bool = false,
    _ receive: (Row) throws(SQLError) -> Void = { (_) throws(SQLError) in }
  ) throws(PostgresFailure) -> Int {
    let answered = sent
    sent.removeAll(keepingCapacity: true)
    guard let last = answered.last else { return 0 }
    guard unsafe PQpipelineSync(handle) == 1 else { throw lost(while: last.statement.label) }
    var first: PostgresFailure?
    var changed = 0
    for (index, message) in answered.enumerated() {
      let takesRows = takesRows && index == answered.count - 1
      // Rows come one by one, so that a limit is met before memory is.
      if takesRows { unsafe PQsetSingleRowMode(handle) }
      do {
        changed = try answer(to: message, within: patience, takesRows: takesRows, receive)
      } catch {
        if first == nil {
          first = error
          first?.kind = message.kind
        }
        if isLost { break }
        if message.kind == .prepare { forget(message.statement) }
      }
    }
    if !isLost || first == nil { try takeSync(after: last, within: patience) }
    if let first { throw first }
    return changed
  }

  /// Forgets a statement that the server did not come to prepare.
  private func forget(_ statement: PostgresStatement) {
    statements.remove(statement)
    controls = controls.filter { $0.value !== statement }
  }

  /// Takes one message's answer.
  private func answer(
    to message: Sent, within patience: Duration?, takesRows: Bool,
    _ receive: (Row) throws(SQLError) -> Void
  ) throws(PostgresFailure) -> Int {
    var failure: PostgresFailure?
    var changed = 0
    while try isAnswered(message, within: patience), let result = unsafe PQgetResult(handle) {
      defer { unsafe PQclear(result) }
      switch unsafe PQresultStatus(result) {
      case PGRES_SINGLE_TUPLE:
        if !takesRows || failure != nil { continue }
        do {
          try receive(unsafe row(result, of: message.statement))
        } catch {
          failure = PostgresFailure(error, body: message.body)
        }
      case PGRES_COMMAND_OK where unsafe message.kind == .commit && Self.isRollback(result):
        let error = SQLError(.aborted, "COMMIT: the transaction had failed and was rolled back")
        failure = PostgresFailure(error)
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK: changed = unsafe Self.changedRows(result)
      case PGRES_EMPTY_QUERY:
        let error = SQLError(.misuse, "the statement is empty")
        failure = failure ?? PostgresFailure(error, body: message.body)
      case PGRES_PIPELINE_ABORTED:
        failure = failure ?? .skipped
      default:
        failure =
          unsafe failure
          ?? PostgresFailure(result, while: message.statement.label, body: message.body)
      }
    }
    // What the server has said last tells more than that it has gone.
    if isLost, failure?.state.isEmpty ?? true { throw lost(while: message.statement.label) }
    if let failure { throw failure }
    return changed
  }

  private func takeSync(after last: Sent, within patience: Duration?) throws(PostgresFailure) {
    if try isAnswered(last, within: patience), let result = unsafe PQgetResult(handle) {
      defer { unsafe PQclear(result) }
      if unsafe PQresultStatus(result) == PGRES_PIPELINE_SYNC { return }
    }
    // What is answered cannot be told from here on.
    isGivenUp = true
    throw lost(while: last.statement.label)
  }

  /// Waits until the next result can be taken without waiting. Always true: silence throws.
  private func isAnswered(_ message: Sent, within patience: Duration?) throws(PostgresFailure)
    -> Bool
  {
    guard let patience, unsafe PQisBusy(handle) == 1 else { return true }
    let end = ContinuousClock.now + patience
    repeat {
      let milliseconds = max((end - .now) / .milliseconds(1), 0).rounded(.up)
      var wait = pollfd(fd: unsafe PQsocket(handle), events: Int16(POLLIN), revents: 0)
      // What has not been sent yet goes out with what PQconsumeInput does.
      if unsafe poll(&wait, 1, Int32(milliseconds)) == 0 {
        isGivenUp = true
        let text = "\(message.statement.label): PostgreSQL did not answer within \(patience)"
        throw PostgresFailure(SQLError(.connectionLost, text), .lost, body: message.body)
      }
      // A lost connection is told by the result.
      if unsafe PQconsumeInput(handle) == 0 { return true }
    } while unsafe PQisBusy(handle) == 1
    return true
  }

  func lost(while doing: String) -> PostgresFailure {
    let isLost = isLost
    return PostgresFailure(
      SQLError(isLost ? .connectionLost : .misuse, "\(doing): \(message)"), isLost ? .lost : .none,
      body: body)
  }

  private func failure(_ error: SQLError) -> PostgresFailure {
    PostgresFailure(error, body: body)
  }

  private static func isRollback(_ result: OpaquePointer) -> Bool {
    guard let tag = unsafe PQcmdStatus(result) else { return false }
    return unsafe String(cString: tag) == "ROLLBACK"
  }

  /// The number in the command's tag, which for a query is no change.
  private static func changedRows(_ result: OpaquePointer) -> Int {
    guard let tag = unsafe PQcmdStatus(result), let count = unsafe PQcmdTuples(result) else {
      return 0
    }
    // INSERT, UPDATE, DELETE, MERGE.
    switch unsafe UInt8(bitPattern: tag.pointee) {
    case UInt8(ascii: "I"), UInt8(ascii: "U"), UInt8(ascii: "D"), UInt8(ascii: "M"):
      return unsafe max(atol(count), 0)
    default: return 0
    }
  }

  private func row(
    _ result: OpaquePointer, of statement: PostgresStatement
  ) throws(SQLError) -> Row {
    let count = unsafe PQnfields(result)
    if statement.columns.count != Int(count) {
      statement.columns = (0..<count).map { index in
        unsafe PQfname(result, index).map { unsafe String(cString: $0) } ?? ""
      }
      statement.columnTypes = (0..<count).map { unsafe PQftype(result, $0) }
    }
    var values: [SQLValue] = []
    values.reserveCapacity(Int(count))
    for index in 0..<count {
      if unsafe PQgetisnull(result, 0, index) == 1 {
        values.append(.null)
        continue
      }
      let bytes = unsafe UnsafeRawBufferPointer(
        start: PQgetvalue(result, 0, index), count: Int(PQgetlength(result, 0, index)))
      values.append(
        try unsafe PostgresValue.decode(
          bytes, type: statement.columnTypes[Int(index)], column: statement.columns[Int(index)]))
    }
    return Row(columns: statement.columns, values: values)
  }
}
