package import SharedDomain

/// Computes the SHA-256 digest of some bytes; injected, because the domain imports nothing.
package typealias LedgerDigest = @Sendable ([UInt8]) -> [UInt8]

/// The end of a chain of entries, of one organization and currency.
package struct LedgerHead: Sendable, Hashable {
  /// The number of the last entry; 0 before the first.
  package let sequence: Int64
  /// The last entry's hash; 32 zero bytes before the first.
  package let hash: [UInt8]

  package init(sequence: Int64, hash: [UInt8]) {
    self.sequence = sequence
    self.hash = hash
  }

  /// The head of an empty chain.
  package static let empty = LedgerHead(sequence: 0, hash: [UInt8](repeating: 0, count: 32))
}

/// A posting as recorded: the account by its code.
package struct RecordedPosting: Sendable, Hashable {
  package var accountCode: String
  /// Positive for a debit, negative for a credit.
  package var minorUnits: Int64

  package init(accountCode: String, minorUnits: Int64) {
    self.accountCode = accountCode
    self.minorUnits = minorUnits
  }
}

/// A posted entry exactly as it is recorded, so that a changed row can still be read and found:
/// its values are what the table holds, checked by ``LedgerVerifier`` and nothing else (ACC-1).
package struct LedgerEntry: Sendable, Hashable {
  package var id: String
  package var organizationID: String
  package var currencyCode: String
  /// Counts the entries of the organization and currency from 1, without gaps.
  package var sequence: Int64
  package var kind: String
  package var referenceID: String
  package var description: String
  package var postedAtMicroseconds: Int64
  package var postings: [RecordedPosting]
  /// The hash of the entry before.
  package var previousHash: [UInt8]
  /// The digest of ``hashedContent``.
  package var hash: [UInt8]

  package init(
    id: String, organizationID: String, currencyCode: String, sequence: Int64, kind: String,
    referenceID: String, description: String, postedAtMicroseconds: Int64,
    postings: [RecordedPosting], previousHash: [UInt8], hash: [UInt8]
  ) {
    self.id = id
    self.organizationID = organizationID
    self.currencyCode = currencyCode
    self.sequence = sequence
    self.kind = kind
    self.referenceID = referenceID
    self.description = description
    self.postedAtMicroseconds = postedAtMicroseconds
    self.postings = postings
    self.previousHash = previousHash
    self.hash = hash
  }

  /// Posts an entry behind a head.
  package init(
    posting journal: JournalEntry, id: LedgerEntryID, organizationID: OrganizationID,
    at instant: Instant, after head: LedgerHead, digest: LedgerDigest
  ) {
    self.init(
      id: id.text, organizationID: organizationID.text, currencyCode: journal.currency.code,
      sequence: head.sequence + 1, kind: journal.kind.rawValue,
      referenceID: journal.reference.text, description: journal.description,
      postedAtMicroseconds: instant.microseconds,
      postings: journal.postings.map {
        RecordedPosting(accountCode: $0.account.code, minorUnits: $0.minorUnits)
      }, previousHash: head.hash, hash: [])
    hash = digest(hashedContent)
  }

  /// What the hash covers: a format name, the hash before and every value, each with its length in
  /// front, so that no two contents have the same bytes.
  package var hashedContent: [UInt8] {
    var content = HashedContent(capacity: 384 + 48 * postings.count)
    content.append("kontor.ledger.entry.v1")
    content.append(UInt32(previousHash.count))
    content.bytes += previousHash
    content.append(organizationID)
    content.append(currencyCode)
    content.append(sequence)
    content.append(id)
    content.append(kind)
    content.append(referenceID)
    content.append(description)
    content.append(postedAtMicroseconds)
    content.append(UInt32(postings.count))
    for posting in postings {
      content.append(posting.accountCode)
      content.append(posting.minorUnits)
    }
    return content.bytes
  }
}

/// Values one after the other: numbers with the most significant byte first, texts with their length
/// in front.
private struct HashedContent {
  var bytes: [UInt8] = []

  init(capacity: Int) {
    bytes.reserveCapacity(capacity)
  }

  mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }
}
