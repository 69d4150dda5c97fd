import Cryptography
import SQLCore
import ServiceStorage
import SharedDomain
import TestSupport
import Testing

@Suite struct AuditLogTests {
  private let log = AuditLog()
  private let first = OrganizationID(testID(1))
  private let second = OrganizationID(testID(2))

  private func record(_ number: Int, of organizationID: OrganizationID) -> AuditRecord {
    AuditRecord(
      id: testID(1000 + number), organizationID: organizationID,
      at: Instant(microseconds: Int64(number)), actor: "user:7", action: "membership.changed",
      target: "user:8", source: "192.0.2.1",
      fields: [
        .plain("role", before: "MEMBER", after: "ADMIN"),
        .personal("name", before: "Anna", after: "Änne", subject: "user:8"),
        .plain("note"),
      ])
  }

  private func filled(
    _ driver: Driver, _ body: (any Database) async throws -> Void
  ) async throws {
    try await withServiceDatabase(driver) { database in
      try await database.write { transaction in
        for number in 0..<10 {
          try log.append(record(number, of: number % 2 == 0 ? first : second), in: transaction)
        }
      }
      try await body(database)
    }
  }

  private func verify(
    _ organizationID: OrganizationID, _ database: any Database
  ) async throws -> AuditVerification {
    try await database.read { try AuditLog.verify(organizationID, in: $0) }
  }

  @Test(arguments: Driver.allCases)
  func `entries are read as they were written, newest first, by page`(_ driver: Driver) async throws
  {
    try await filled(driver) { database in
      let page = try await database.read { transaction in
        try AuditLog.page(of: first, limit: 3, in: transaction)
      }
      #expect(page.map(\.sequence) == [5, 4, 3])
      #expect(page.map(\.record) == [8, 6, 4].map { record($0, of: first) })
      let rest = try await database.read { transaction in
        try AuditLog.page(of: first, after: page.last?.position, limit: 10, in: transaction)
      }
      #expect(rest.map(\.sequence) == [2, 1])
      let none = try await database.read { transaction in
        try AuditLog.page(of: second, after: page.last?.position, limit: 10, in: transaction)
      }
      #expect(none.isEmpty)
    }
  }

  @Test(arguments: Driver.allCases)
  func `each organization has a chain of its own, and both are intact`(_ driver: Driver)
    async throws
  {
    try await filled(driver) { database in
      for organizationID in [first, second] {
        guard case .intact(5, let head) = try await verify(organizationID, database) else {
          Issue.record("broken")
          continue
        }
        #expect(head.count == 32)
      }
      let nobody = OrganizationID(testID(3))
      #expect(
        try await verify(nobody, database)
          == .intact(entries: 0, head: [UInt8](repeating: 0, count: 32)))
    }
  }

  @Test(
    arguments: Driver.allCases,
    [
      ("UPDATE audit_entry SET action = 'NOTHING' WHERE sequence = 3", 3),
      ("UPDATE audit_entry SET at_us = at_us + 1 WHERE sequence = 3", 3),
      ("UPDATE audit_entry SET actor = 'user:9' WHERE sequence = 3", 3),
      ("UPDATE audit_entry SET hash = zeros WHERE sequence = 3", 3),
      ("UPDATE audit_entry SET fields = replace(fields, 'ADMIN', 'OWNER') WHERE sequence = 3", 3),
      ("UPDATE audit_entry SET fields = '[]' WHERE sequence = 3", 3),
      ("UPDATE audit_entry SET fields = 'x' WHERE sequence = 3", 3),
      ("UPDATE audit_entry SET fields = fields || ' ' WHERE sequence = 3", 3),
      ("UPDATE audit_field SET position = 0 WHERE entry_number IN (5, 6) AND name = 'name'", 3),
      (
        "UPDATE audit_field SET after_value = 'Eva' WHERE entry_number IN (5, 6) AND name = 'name'",
        3
      ),
      (
        "UPDATE audit_field SET before_value = NULL WHERE entry_number IN (5, 6) AND name = 'name'",
        3
      ),
      ("UPDATE audit_field SET salt = NULL WHERE entry_number IN (5, 6) AND name = 'name'", 3),
      (
        "UPDATE audit_field SET subject = 'user:9' WHERE entry_number IN (5, 6) AND name = 'name'",
        3
      ),
      ("DELETE FROM audit_field WHERE entry_number IN (5, 6) AND name = 'name'", 3),
      (
        """
        DELETE FROM audit_field WHERE entry_number IN (5, 6);
        DELETE FROM audit_entry WHERE sequence = 3
        """, 3
      ),
      (
        """
        DELETE FROM audit_field WHERE entry_number >= 7;
        DELETE FROM audit_entry WHERE sequence >= 4
        """, 4
      ),
      ("DELETE FROM audit_head", 5),
      ("UPDATE audit_head SET sequence = 4", 5),
      ("UPDATE audit_head SET last_entry = last_entry - 2", 5),
      ("UPDATE audit_entry SET previous_number = NULL WHERE sequence = 3", 3),
    ] as [(String, Int64)])
  func `a change behind the log's back is found`(
    _ driver: Driver, _ change: (text: String, sequence: Int64)
  ) async throws {
    let zeros = driver == .sqlite ? "zeroblob(32)" : "decode(repeat('00', 32), 'hex')"
    let text = change.text.replacing("zeros", with: zeros)
    try await filled(driver) { database in
      try await database.write { transaction in
        for (table, trigger) in guards {
          let place = transaction.dialect == .postgres ? " ON \(table)" : ""
          try transaction.script("DROP TRIGGER \(trigger)\(place)")
        }
        try transaction.script(text)
      }
      for organizationID in [first, second] {
        guard case .broken(change.sequence, _) = try await verify(organizationID, database) else {
          Issue.record("not found")
          continue
        }
      }
    }
  }

  /// What keeps the log's rows as they are, by table.
  private let guards = [
    ("audit_entry", "audit_entry_is_final"), ("audit_entry", "audit_entry_stays"),
    ("audit_field", "audit_field_is_only_erased"), ("audit_field", "audit_field_stays"),
    ("audit_head", "audit_head_is_empty"), ("audit_head", "audit_head_follows_entry"),
    ("audit_head", "audit_head_stays"),
  ]

  @Test(
    arguments: Driver.allCases,
    [
      ("UPDATE audit_entry SET actor = 'user:9' WHERE sequence = 3", "audit_entry_is_final"),
      ("UPDATE audit_entry SET fields = '[]' WHERE sequence = 3", "audit_entry_is_final"),
      (
        "UPDATE audit_field SET after_value = 'x' WHERE name = 'name'", "audit_field_is_only_erased"
      ),
      ("DELETE FROM audit_field WHERE entry_number = 5", "audit_field_stays"),
      ("DELETE FROM audit_head", "audit_head_stays"),
      ("UPDATE audit_head SET sequence = sequence - 1", "audit_head_"),
      ("UPDATE audit_head SET sequence = sequence + 1", "audit_head_"),
      (
        "INSERT INTO audit_field (entry_number, position, name) VALUES (5, 99, 'late')",
        "audit_field_is_in_time"
      ),
      (
        """
        INSERT INTO audit_entry
          (number, previous_number, organization_id, sequence, id, at_us, actor, action, target,
            fields, hash)
        SELECT 99 + number, number, organization_id, sequence + 2, id, at_us, actor, action, target,
          fields, hash
        FROM audit_entry WHERE sequence = 5
        """, "audit_entry_is_next"
      ),
      (
        "INSERT INTO audit_head (organization_id, sequence, hash) SELECT 'x', 1, hash FROM audit_head",
        "audit_head_is_empty"
      ),
    ] as [(SQL, String)])
  func `the database refuses what would change the log`(
    _ driver: Driver, _ change: (statement: SQL, refusal: String)
  ) async throws {
    try await filled(driver) { database in
      let error = await #expect(throws: SQLError.self) {
        try await database.write { transaction in
          _ = try transaction.execute(change.statement)
        }
      }
      #expect(error?.message.contains(change.refusal) == true, "\(String(describing: error))")
      guard case .intact(5, _) = try await verify(first, database) else {
        Issue.record("the log was changed")
        return
      }
    }
  }

  @Test(arguments: Driver.allCases)
  func `personal values are erased without breaking the chain`(_ driver: Driver) async throws {
    try await filled(driver) { database in
      let before = try await verify(first, database)
      let erased = try await database.write { transaction in
        try AuditLog.erasePersonalValues(of: "user:8", in: transaction)
      }
      #expect(erased == 10)
      #expect(try await verify(first, database) == before)
      let entry = try await database.read { transaction in
        try AuditLog.page(of: first, limit: 1, in: transaction).first
      }
      #expect(
        entry?.record.fields == [
          .plain("role", before: "MEMBER", after: "ADMIN"),
          .personal("name", subject: "user:8"),
          .plain("note"),
          .personal("source", after: "192.0.2.1", subject: "user:7"),
        ])
      let left = try await count(
        "SELECT count(*) FROM audit_field WHERE subject = 'user:8' AND salt IS NOT NULL", database)
      #expect(left == 0)
    }
  }

  @Test(arguments: Driver.allCases)
  func `equal personal values have different commitments`(_ driver: Driver) async throws {
    try await filled(driver) { database in
      let distinct = try await count(
        "SELECT count(DISTINCT commitment) FROM audit_field WHERE commitment IS NOT NULL", database)
      #expect(distinct == 20)
    }
  }

  @Test(arguments: Driver.allCases)
  func `a long chain is verified in parts`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      try await database.write { transaction in
        for number in 0..<1203 { try log.append(record(number, of: first), in: transaction) }
      }
      guard case .intact(1203, _) = try await verify(first, database) else {
        Issue.record("broken")
        return
      }
    }
  }

  @Test(arguments: Driver.allCases)
  func `values of any text are read as they were written`(_ driver: Driver) async throws {
    let texts = ["", "\"", "\\", "\n\t\u{1}\u{1F}", "Zürich 𝄞", "[null]", "\u{7F}", "'"]
    try await withServiceDatabase(driver) { database in
      var record = record(1, of: first)
      record.fields = texts.map { .plain("\($0)", before: $0, after: nil) }
      record.fields.insert(.personal("p", after: "x", subject: "user:1"), at: 3)
      record.fields.append(.personal("q", after: "\"", subject: "user:1"))
      let expected = record
      try await database.write { try log.append(expected, in: $0) }
      let page = try await database.read { try AuditLog.page(of: first, limit: 1, in: $0) }
      #expect(page.map(\.record) == [expected])
      guard case .intact(1, _) = try await verify(first, database) else {
        Issue.record("broken")
        return
      }
    }
  }

  @Test func `no two sequences of values have the same bytes`() {
    func bytes(_ parts: String?...) -> [UInt8] {
      var bytes = CanonicalBytes("test")
      for part in parts { bytes.append(part) }
      return bytes.bytes
    }
    #expect(bytes("ab", "c") != bytes("a", "bc"))
    #expect(bytes("", "a") != bytes("a", ""))
    #expect(bytes(nil, "a") != bytes("", "a"))
    #expect(bytes("a") != bytes("a", nil))
  }
}
