import SQLCore
import Testing

@Suite struct StatementTests {
  @Test func `interpolated values become numbered parameters of the dialect`() {
    let name: String? = nil
    let sql: SQL = "SELECT a FROM t WHERE b = \("x'; DROP TABLE t") AND c = \(7) AND d = \(name)"
    #expect(
      sql.rendered(for: .sqlite) == "SELECT a FROM t WHERE b = ?1 AND c = ?2 AND d = ?3")
    #expect(
      sql.rendered(for: .postgres) == "SELECT a FROM t WHERE b = $1 AND c = $2 AND d = $3")
    #expect(sql.values == [.text("x'; DROP TABLE t"), .integer(7), .null])
  }

  @Test func `spliced statements keep their parameters in order`() {
    let columns: SQL = "id, name"
    let condition = SQL.joined(["a = \(1)", "b IN (\(list: ["x", "y"]))"], " AND ")
    let sql: SQL = "SELECT \(columns) FROM t WHERE \(condition) LIMIT \(5)"
    #expect(
      sql.rendered(for: .sqlite)
        == "SELECT id, name FROM t WHERE a = ?1 AND b IN (?2, ?3) LIMIT ?4")
    #expect(sql.values == [.integer(1), .text("x"), .text("y"), .integer(5)])
  }

  @Test func `an empty list is in no row`() {
    let sql: SQL = "SELECT a FROM t WHERE b IN (\(list: [String]()))"
    #expect(sql.rendered(for: .sqlite) == "SELECT a FROM t WHERE b IN (NULL)")
  }

  @Test func `statements with other values have the same template`() {
    func query(_ id: Int) -> SQL { "SELECT a FROM t WHERE id = \(id)" }
    #expect(query(1).template == query(2).template)
    #expect(query(1) != query(2))
    #expect(query(1).template != ("SELECT a FROM t WHERE id = \(1) OR \(2)" as SQL).template)
    func either(_ first: Bool) -> SQL { first ? "SELECT \(1), 2" : "SELECT 2, \(1)" }
    #expect(either(true).template == either(true).template)
    #expect(either(true).template != either(false).template)
  }

  @Test func `text made at run time is known by its content`() {
    let sql = SQL(trustedText: "SELECT " + "a FROM t")
    #expect(sql.rendered(for: .sqlite) == "SELECT a FROM t")
    #expect(sql.template == SQL(trustedText: "SELECT a " + "FROM t").template)
    #expect(sql.template != SQL(trustedText: "SELECT b FROM t").template)
  }

  @Test func `a row refuses a missing column, another type and an unexpected NULL`() throws {
    let row = Row(columns: ["a", "b", "c"], values: [.integer(1), .text("x"), .null])
    #expect(try row.int64("a") == 1)
    #expect(try row.text(1) == "x")
    #expect(try row.optionalText("c") == nil)
    #expect(throws: SQLError(.unexpectedValue, "")) { try row.text("a") }
    #expect(throws: SQLError(.unexpectedValue, "")) { try row.text("c") }
    #expect(throws: SQLError(.unexpectedValue, "")) { try row.text("d") }
    #expect(throws: SQLError(.unexpectedValue, "")) { try row.text(3) }
    #expect(throws: SQLError(.unexpectedValue, "")) {
      try Row(columns: ["a"], values: [.integer(2)]).bool("a")
    }
    #expect(throws: SQLError(.unexpectedValue, "")) {
      try Row(columns: ["a"], values: [.integer(1 << 40)]).int32("a")
    }
  }
}
