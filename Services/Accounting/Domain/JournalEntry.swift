package import SharedDomain

/// Why an entry was posted.
package enum EntryKind: String, Sendable, Hashable, CaseIterable {
  /// A provider captured a top-up.
  case topUp = "TOP_UP"
  /// An order was paid from the prepaid account.
  case orderPayment = "ORDER_PAYMENT"
  /// Due items were paid from the prepaid account.
  case duePayment = "DUE_PAYMENT"
}

/// One side of an entry.
package struct Posting: Sendable, Hashable {
  package let account: LedgerAccount
  /// Minor units of the entry's currency: positive for a debit, negative for a credit.
  package let minorUnits: Int64

  package init(_ account: LedgerAccount, minorUnits: Int64) {
    self.account = account
    self.minorUnits = minorUnits
  }

  /// A debit of an amount.
  package static func debit(_ account: LedgerAccount, _ amount: Money) -> Posting {
    Posting(account, minorUnits: amount.minorUnits)
  }

  /// A credit of an amount. Throws `.amountOverflow`.
  package static func credit(
    _ account: LedgerAccount, _ amount: Money
  ) throws(AccountingError) -> Posting {
    let negated = try accounting { () throws(MoneyError) in try amount.negated() }
    return Posting(account, minorUnits: negated.minorUnits)
  }
}

/// An entry before it is posted: it has two postings at least, none of nothing, and its debits
/// equal its credits; no other value of this type exists (ACC-1).
package struct JournalEntry: Sendable, Hashable {
  package let kind: EntryKind
  /// What the entry belongs to: the top-up, the order or the payment. One entry of a kind exists
  /// for a reference.
  package let reference: UniqueID
  /// What it was, for people; holds no personal data, because it is hashed and kept.
  package let description: String
  package let currency: Currency
  package let postings: [Posting]

  /// Throws `.unbalancedEntry`, `.malformedEntry` or `.amountOverflow`.
  package init(
    kind: EntryKind, reference: UniqueID, description: String, currency: Currency,
    postings: [Posting]
  ) throws(AccountingError) {
    guard postings.count >= 2, postings.allSatisfy({ $0.minorUnits != 0 }) else {
      throw .malformedEntry
    }
    var sum: Int64 = 0
    for posting in postings {
      let (next, overflow) = sum.addingReportingOverflow(posting.minorUnits)
      guard !overflow else { throw .amountOverflow }
      sum = next
    }
    guard sum == 0 else { throw .unbalancedEntry }
    self.kind = kind
    self.reference = reference
    self.description = description
    self.currency = currency
    self.postings = postings
  }

  /// By how much the entry changes the prepaid balance, as its owner sees it: positive for money
  /// that came in. Nil when it does not touch it.
  package func prepaidChange() throws(AccountingError) -> Money? {
    let prepaid = postings.filter(\.account.isPrepaid)
    guard !prepaid.isEmpty else { return nil }
    return try accounting { () throws(MoneyError) in
      var change = Money.zero(currency)
      for posting in prepaid {
        change = try change.subtracting(
          Money(minorUnits: posting.minorUnits, currency: currency))
      }
      return change
    }
  }
}

extension JournalEntry {
  /// Money that a provider captured for a top-up: the provider owes it to us, we owe it to the
  /// customer (ACC-2).
  package static func topUp(_ topUp: TopUp) throws(AccountingError) -> JournalEntry {
    let amount = topUp.amount
    return try JournalEntry(
      kind: .topUp, reference: topUp.id.value, description: "Top-up by card",
      currency: amount.currency,
      postings: [
        .debit(.clearing(topUp.provider), amount), try .credit(.prepaidDeposits, amount),
      ])
  }

  /// A sale paid from the prepaid account: what was spent, against deferred revenue, tax for each
  /// rate and rounding (ACC-2, ACC-9). Nil where nothing was sold for money.
  package static func sale(
    kind: EntryKind, reference: UniqueID, description: String, totals: PriceTotals,
    spending: PrepaidSpending
  ) throws(AccountingError) -> JournalEntry? {
    var postings: [Posting] = [
      .debit(.grantedCredit, spending.granted), .debit(.prepaidDeposits, spending.deposited),
      try .credit(.deferredRevenue, totals.net),
    ]
    for line in totals.taxLines { postings.append(try .credit(.vat(line.rate), line.tax)) }
    postings.append(try .credit(.rounding, totals.rounding))
    postings.removeAll { $0.minorUnits == 0 }
    guard !postings.isEmpty else { return nil }
    return try JournalEntry(
      kind: kind, reference: reference, description: description,
      currency: totals.total.currency, postings: postings)
  }
}
