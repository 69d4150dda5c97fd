package import SharedDomain

/// What an organization's prepaid account holds in one currency (ACC-2).
package struct PrepaidBalance: Sendable, Hashable {
  /// May be spent and withdrawn.
  package let deposited: Money
  /// May be spent only.
  package let granted: Money

  /// Both parts are of one currency.
  package init(deposited: Money, granted: Money) {
    self.deposited = deposited
    self.granted = granted
  }

  package static func zero(_ currency: Currency) -> PrepaidBalance {
    PrepaidBalance(deposited: .zero(currency), granted: .zero(currency))
  }

  /// What can be spent.
  package func total() throws(AccountingError) -> Money {
    try accounting { () throws(MoneyError) in try deposited.adding(granted) }
  }

  /// What the account holds after an entry in its currency; a part may fall below zero, which storage
  /// refuses (ACC-1). Throws `.amountOverflow`.
  package func following(_ entry: JournalEntry) throws(AccountingError) -> PrepaidBalance {
    func part(_ held: Money, _ account: LedgerAccount) throws(AccountingError) -> Money {
      var held = held
      for posting in entry.postings where posting.account == account {
        held = try accounting { () throws(MoneyError) in
          try held.subtracting(Money(minorUnits: posting.minorUnits, currency: entry.currency))
        }
      }
      return held
    }
    return PrepaidBalance(
      deposited: try part(deposited, .prepaidDeposits), granted: try part(granted, .grantedCredit))
  }

  /// How an amount is taken: granted credit before deposits. Throws `.insufficientFunds`, or
  /// `.mixedCurrencies` (ACC-2).
  package func spending(_ amount: Money) throws(AccountingError) -> PrepaidSpending {
    let balance = try total()
    guard try !accounting({ () throws(MoneyError) in try balance.isLess(than: amount) }) else {
      throw .insufficientFunds(balance: balance, total: amount)
    }
    let fromGranted = Money(
      minorUnits: min(max(granted.minorUnits, 0), amount.minorUnits), currency: amount.currency)
    let fromDeposits = try accounting { () throws(MoneyError) in
      try amount.subtracting(fromGranted)
    }
    return PrepaidSpending(granted: fromGranted, deposited: fromDeposits)
  }
}

/// The parts of a payment from the prepaid account.
package struct PrepaidSpending: Sendable, Hashable {
  package let granted: Money
  package let deposited: Money

  package init(granted: Money, deposited: Money) {
    self.granted = granted
    self.deposited = deposited
  }
}

/// A line of the prepaid account's statement (ACC-2).
package struct PrepaidMovement: Sendable, Hashable {
  package let sequence: Int64
  package let entryID: LedgerEntryID
  package let postedAt: Instant
  package let kind: EntryKind
  /// Positive for money that came in.
  package let amount: Money
  /// The balance after it.
  package let balance: Money
  /// The top-up, the order or the payment.
  package let reference: UniqueID
  package let description: String
  /// Where the statement goes on behind this line; grows from line to line.
  package let position: Int64

  package init(
    position: Int64, sequence: Int64, entryID: LedgerEntryID, postedAt: Instant, kind: EntryKind,
    amount: Money,
    balance: Money, reference: UniqueID, description: String
  ) {
    self.position = position
    self.sequence = sequence
    self.entryID = entryID
    self.postedAt = postedAt
    self.kind = kind
    self.amount = amount
    self.balance = balance
    self.reference = reference
    self.description = description
  }
}
