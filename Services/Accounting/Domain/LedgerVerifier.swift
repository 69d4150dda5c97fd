/// What is wrong in a chain of entries (ACC-1).
package enum LedgerFault: Sendable, Hashable {
  /// An entry is missing, or one too many is there.
  case sequenceWrong(expected: Int64, found: Int64)
  /// The entry does not follow from the one before: something was taken out, put in or rewritten.
  case chainBroken(sequence: Int64)
  /// The entry does not name the row of the one before.
  case linkWrong(sequence: Int64)
  /// The entry's content is not what was hashed.
  case contentChanged(sequence: Int64)
  /// Debits and credits differ, or there are fewer than two postings.
  case unbalanced(sequence: Int64)
  /// An account's code is unknown.
  case accountUnknown(sequence: Int64)
  /// The entry took the prepaid account below zero.
  case prepaidOverdrawn(sequence: Int64)
  /// The statement's line differs from the entry, or is missing.
  case movementWrong(sequence: Int64)
  /// The recorded head is not the last entry: the tail was cut, or entries were added beside it.
  case headWrong
  /// A balance row differs from the sum of the entries.
  case balanceWrong(accountCode: String)
}

/// What the statement records for an entry.
package struct RecordedMovement: Sendable, Hashable {
  package let minorUnits: Int64
  package let balanceMinorUnits: Int64

  package init(minorUnits: Int64, balanceMinorUnits: Int64) {
    self.minorUnits = minorUnits
    self.balanceMinorUnits = balanceMinorUnits
  }
}

/// Recomputes a whole chain, entry by entry in the order of their numbers, and collects what does
/// not hold. Pure: the rows come from the caller (ACC-1).
package struct LedgerVerifier: Sendable {
  private let digest: LedgerDigest
  private var head = LedgerHead.empty
  private var sums: [String: Int64] = [:]
  private var prepaid: Int64 = 0
  private var faults: [LedgerFault] = []

  package init(digest: @escaping LedgerDigest) {
    self.digest = digest
  }

  /// Checks the next entry and the statement's line for it.
  package mutating func add(_ entry: LedgerEntry, movement: RecordedMovement?) {
    if entry.sequence != head.sequence + 1 {
      faults.append(.sequenceWrong(expected: head.sequence + 1, found: entry.sequence))
    }
    if entry.previousHash != head.hash { faults.append(.chainBroken(sequence: entry.sequence)) }
    if entry.hash != digest(entry.hashedContent) {
      faults.append(.contentChanged(sequence: entry.sequence))
    }
    post(entry, movement: movement)
    head = LedgerHead(sequence: entry.sequence, hash: entry.hash)
  }

  /// Compares the recorded head and balances with what the entries gave and returns every fault.
  package func finish(head recorded: LedgerHead, balances: [String: Int64]) -> [LedgerFault] {
    var faults = faults
    if recorded != head { faults.append(.headWrong) }
    for code in Set(balances.keys).union(sums.keys).sorted()
    where balances[code] ?? 0 != sums[code] ?? 0 {
      faults.append(.balanceWrong(accountCode: code))
    }
    return faults
  }

  private mutating func post(_ entry: LedgerEntry, movement: RecordedMovement?) {
    var sum: Int64 = 0
    var change: Int64?
    for posting in entry.postings {
      sum = sum &+ posting.minorUnits
      sums[posting.accountCode] = (sums[posting.accountCode] ?? 0) &+ posting.minorUnits
      guard let account = LedgerAccount(code: posting.accountCode) else {
        faults.append(.accountUnknown(sequence: entry.sequence))
        continue
      }
      if account.isPrepaid {
        change = (change ?? 0) &- posting.minorUnits
        if sums[posting.accountCode] ?? 0 > 0 {
          faults.append(.prepaidOverdrawn(sequence: entry.sequence))
        }
      }
    }
    if sum != 0 || entry.postings.count < 2 {
      faults.append(.unbalanced(sequence: entry.sequence))
    }
    prepaid = prepaid &+ (change ?? 0)
    let expected = change.map {
      RecordedMovement(minorUnits: $0, balanceMinorUnits: prepaid)
    }
    if movement != expected { faults.append(.movementWrong(sequence: entry.sequence)) }
  }
}
