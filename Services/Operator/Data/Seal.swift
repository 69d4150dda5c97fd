internal import Cryptography

/// The end of a chain of entries, as it was when it was sealed.
struct SealedHead: Sendable, Hashable {
  /// The service whose database the chain is in.
  let database: String
  let chain: Chain
  let sequence: Int64
  let hash: [UInt8]

  /// Which chain.
  enum Chain: Sendable, Hashable {
    /// An organization's audit log.
    case audit(organizationID: String)
    /// An organization's books in one currency.
    case ledger(organizationID: String, currency: String)
  }

  var line: String {
    switch chain {
    case .audit(let organizationID):
      "head \(database) audit \(organizationID) - \(sequence) \(Hex.encode(hash))"
    case .ledger(let organizationID, let currency):
      "head \(database) ledger \(organizationID) \(currency) \(sequence) \(Hex.encode(hash))"
    }
  }

  /// Reads the words of a line; nil when they are no head.
  init?(_ words: [Substring]) {
    guard words.count == 7, words[0] == "head", let sequence = Int64(words[5]),
      let hash = Hex.decode(String(words[6]))
    else { return nil }
    switch words[2] {
    case "audit": chain = .audit(organizationID: String(words[3]))
    case "ledger":
      chain = .ledger(organizationID: String(words[3]), currency: String(words[4]))
    default: return nil
    }
    database = String(words[1])
    self.sequence = sequence
    self.hash = hash
  }

  init(database: String, chain: Chain, sequence: Int64, hash: [UInt8]) {
    self.database = database
    self.chain = chain
    self.sequence = sequence
    self.hash = hash
  }
}

/// The heads of the chains that grew since the seal before, signed.
///
/// ```
/// seal 2 1795372800000000
/// previous <hash of the seal before>
/// cursor accounting 1204
/// head accounting ledger <organization> CHF 7 <hash>
/// signature <Ed25519 over the lines above>
/// ```
struct Seal: Sendable, Hashable {
  let number: Int
  /// Microseconds UTC, for people.
  let atMicroseconds: Int64
  /// The hash of the seal before; zeros before the first.
  let previous: [UInt8]
  /// Up to which audit entry each database's heads are in this seal or one before.
  let cursors: [String: Int64]
  let heads: [SealedHead]
  /// Over `text`.
  private(set) var signature: [UInt8] = []

  static let start = [UInt8](repeating: 0, count: SHA256.byteCount)

  init(
    number: Int, atMicroseconds: Int64, previous: [UInt8], cursors: [String: Int64],
    heads: [SealedHead], key: Ed25519PrivateKey
  ) throws {
    self.number = number
    self.atMicroseconds = atMicroseconds
    self.previous = previous
    self.cursors = cursors
    self.heads = heads
    signature = try key.sign(Array(text.utf8))
  }

  /// Reads the lines of one seal; nil when they are none.
  init?(_ lines: some Collection<Substring>) {
    var rest = lines.map { $0.split(separator: " ", omittingEmptySubsequences: false) }[...]
    guard let first = rest.popFirst(), first.count == 3, first[0] == "seal",
      let number = Int(first[1]), let at = Int64(first[2]),
      let second = rest.popFirst(), second.count == 2, second[0] == "previous",
      let previous = Hex.decode(String(second[1])),
      let last = rest.popLast(), last.count == 2, last[0] == "signature",
      let signature = Hex.decode(String(last[1]))
    else { return nil }
    var cursors: [String: Int64] = [:]
    var heads: [SealedHead] = []
    for words in rest {
      if words.count == 3, words[0] == "cursor", let cursor = Int64(words[2]) {
        cursors[String(words[1])] = cursor
      } else if let head = SealedHead(words) {
        heads.append(head)
      } else {
        return nil
      }
    }
    self.number = number
    atMicroseconds = at
    self.previous = previous
    self.cursors = cursors
    self.heads = heads
    self.signature = signature
  }

  /// What is signed.
  var text: String {
    var lines = ["seal \(number) \(atMicroseconds)", "previous \(Hex.encode(previous))"]
    lines += cursors.sorted { $0.key < $1.key }.map { "cursor \($0.key) \($0.value)" }
    lines += heads.map(\.line)
    return lines.joined(separator: "\n") + "\n"
  }

  /// As it stands in the file.
  var fileText: String { text + "signature \(Hex.encode(signature))\n" }

  /// What the next seal refers to.
  var hash: [UInt8] { SHA256.hash(fileText) }

  /// All seals of a file's text; nil for the part that is none.
  static func seals(in text: String) -> [Seal?] {
    var seals: [Seal?] = []
    var lines: [Substring] = []
    for line in text.split(separator: "\n") {
      lines.append(line)
      guard line.hasPrefix("signature ") else { continue }
      seals.append(Seal(lines))
      lines = []
    }
    if !lines.isEmpty { seals.append(nil) }
    return seals
  }
}
