internal import Cryptography
internal import SQLCore
internal import SharedDomain

/// The encoding that the audit log's hashes are computed over.
enum AuditChain {
  /// What stands before the first entry.
  static let start = [UInt8](repeating: 0, count: SHA256.byteCount)

  private static let saltBytes = 16

  /// A field with what is stored beside it.
  struct Field: Sendable, Hashable {
    let name: String
    let before: String?
    let after: String?
    let subject: String?
    let salt: [UInt8]?
    let commitment: [UInt8]?

    init(_ field: AuditField, random: any RandomSource) {
      name = field.name
      before = field.before
      after = field.after
      subject = field.subject
      if field.subject == nil {
        salt = nil
        commitment = nil
      } else {
        let salt = random.bytes(saltBytes)
        self.salt = salt
        commitment = AuditChain.commitment(
          field.name, before: field.before, after: field.after, salt: salt)
      }
    }

    init(_ row: Row) throws(SQLError) {
      name = try row.text("name")
      before = try row.optionalText("before_value")
      after = try row.optionalText("after_value")
      subject = try row.optionalText("subject")
      salt = try row.optionalBlob("salt")
      commitment = try row.optionalBlob("commitment")
    }

    /// A value that identifies nobody.
    init(plain name: String, before: String?, after: String?) {
      self.name = name
      self.before = before
      self.after = after
      subject = nil
      salt = nil
      commitment = nil
    }

    /// Whether it is kept beside the entry.
    var isPersonal: Bool { subject != nil }

    var isErased: Bool { commitment != nil && salt == nil && before == nil && after == nil }

    /// Whether the values beside the chain are those that were committed to.
    var isConsistent: Bool {
      guard let commitment else { return salt == nil }
      if isErased { return true }
      guard let salt else { return false }
      return commitment
        == AuditChain.commitment(name, before: before, after: after, salt: salt)
    }

    var field: AuditField {
      if let subject {
        .personal(name, before: before, after: after, subject: subject)
      } else {
        .plain(name, before: before, after: after)
      }
    }
  }

  /// An entry as it is hashed.
  struct Entry: Sendable, Hashable {
    let sequence: Int64
    let record: AuditRecord
    let fields: [Field]

    init(sequence: Int64, record: AuditRecord, fields: [Field]) {
      self.sequence = sequence
      self.record = record
      self.fields = fields
    }

    init(sequence: Int64, record: AuditRecord, random: any RandomSource) {
      self.init(
        sequence: sequence, record: record,
        fields: record.fields.map { Field($0, random: random) })
    }
  }

  /// The end of an organization's chain.
  struct Head: Sendable, Hashable {
    /// The number of the last entry; nil before the first.
    let lastEntry: Int64?
    let sequence: Int64
    let hash: [UInt8]

    init(_ row: Row) throws(SQLError) {
      lastEntry = try row.optionalInt64("last_entry")
      sequence = try row.int64("sequence")
      hash = try row.blob("hash")
    }
  }

  /// An entry as it was read.
  struct Stored: Sendable, Hashable {
    let entry: AuditEntry
    let fields: [Field]
    /// The number of the entry before it in the chain.
    let previousNumber: Int64?
    /// Whether the text of the plain fields is as this program writes it.
    private let isWellFormed: Bool

    static let columns: SQL =
      """
      e.number, e.previous_number, e.organization_id, e.sequence, e.id, e.at_us, e.actor, e.action,
      e.target, e.fields, e.hash
      """

    /// - Parameter besides: what is kept beside the entry, in the order of the positions.
    init(_ row: Row, beside besides: [PlacedField]) throws(SQLError) {
      let text = try row.text("fields")
      let plain = AuditChain.plainFields(in: text)
      isWellFormed = plain.map { AuditChain.text(ofPlain: $0) == text } ?? false
      fields = AuditChain.merged(plain ?? [], besides)
      previousNumber = try row.optionalInt64("previous_number")
      let record = AuditRecord(
        id: try row.read("id"), organizationID: try row.read("organization_id"),
        at: try row.instant("at_us"), actor: try row.text("actor"),
        action: try row.text("action"), target: try row.text("target"), source: nil,
        fields: fields.map(\.field))
      entry = AuditEntry(
        position: try row.int64("number"), sequence: try row.int64("sequence"), record: record,
        hash: try row.blob("hash"))
    }

    /// Why this is not what was written as the entry of that sequence, behind the entry with that
    /// number and hash; nil when it is.
    func fault(sequence: Int64, after number: Int64?, previous: [UInt8]) -> String? {
      guard entry.sequence == sequence else { return "the entry is missing" }
      guard isWellFormed else { return "the entry was changed" }
      guard previousNumber == number else {
        return "the entry does not name the one before it"
      }
      let expected = Entry(sequence: sequence, record: entry.record, fields: fields)
      guard AuditChain.hash(expected, previous: previous) == entry.hash else {
        return "the entry was changed"
      }
      if let field = fields.first(where: { !$0.isConsistent }) {
        return "the value of \(field.name) was changed"
      }
      return nil
    }
  }

  /// The hash of an entry: SHA-256 over its length-prefixed parts after the previous hash.
  static func hash(_ entry: Entry, previous: [UInt8]) -> [UInt8] {
    var bytes = CanonicalBytes("kontor.audit.entry.1")
    bytes.append(previous)
    bytes.append(entry.record.organizationID.text)
    bytes.append(entry.sequence)
    bytes.append(entry.record.id.text)
    bytes.append(entry.record.at.microseconds)
    bytes.append(entry.record.actor)
    bytes.append(entry.record.action)
    bytes.append(entry.record.target)
    bytes.append(Int64(entry.fields.count))
    for field in entry.fields {
      bytes.append(field.name)
      bytes.append(field.subject)
      if let commitment = field.commitment {
        bytes.append(commitment)
      } else {
        bytes.append(field.before)
        bytes.append(field.after)
      }
    }
    return SHA256.hash(bytes.bytes)
  }

  static func commitment(
    _ name: String, before: String?, after: String?, salt: [UInt8]
  ) -> [UInt8] {
    var bytes = CanonicalBytes("kontor.audit.value.1")
    bytes.append(salt)
    bytes.append(name)
    bytes.append(before)
    bytes.append(after)
    return SHA256.hash(bytes.bytes)
  }
}
