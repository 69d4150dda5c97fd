package import SharedDomain

/// Why accounting refuses a command. Each case names what was found and what was expected;
/// `AccountingError+Status.swift` in the service is the one place that turns it into a status.
package enum AccountingError: Error, Sendable, Hashable {
  // Amounts and entries.

  /// A sum does not fit 64 bits of minor units.
  case amountOverflow
  /// Two currencies met where one was expected.
  case mixedCurrencies
  /// An entry's debits and credits differ (ACC-1).
  case unbalancedEntry
  /// An entry has fewer than two postings, or one of nothing (ACC-1).
  case malformedEntry
  /// The prepaid account does not cover what is to be paid (ACC-2).
  case insufficientFunds(balance: Money, total: Money)

  // Top-ups (ACC-2).

  /// The amount lies outside the method's limits.
  case topUpAmountOutOfRange(Money, minimum: Money, maximum: Money)
  /// No provider is configured for the method.
  case topUpMethodUnavailable(TopUpMethod)
  /// The organization has no such top-up.
  case topUpNotFound
  /// No top-up has this reference at the provider.
  case providerReferenceUnknown(String)
  /// The event reports another amount than the top-up's.
  case eventAmountMismatch(expected: Money, reported: Money)
  /// An event with this id and other content was taken before.
  case eventReused(String)
  /// The top-up's state does not allow the sandbox to complete it.
  case topUpNotPending(TopUpState)

  // Charges and invoices (ACC-8, ACC-9).

  /// The sums that came with a charge do not follow from its lines.
  case chargeMismatch(field: String, expected: String, found: String)
  /// The order was charged before with other content.
  case orderChargedDifferently(OrderID)
  /// The organization has no such invoice.
  case invoiceNotFound

  // Due items and payments (ACC-3).

  /// The item is not due (any more).
  case dueItemNotFound(String)
  /// The item is an open invoice, which the prepaid account does not settle yet.
  case openInvoiceNotPayable(InvoiceID)
  /// Nobody is known to make the invoice out to.
  case recipientUnknown
  /// The organization has no such quote.
  case quoteNotFound
  /// The quote stopped holding.
  case quoteExpired(at: Instant)
  /// The quote was paid before.
  case quoteAlreadyPaid(PaymentID)
  /// The product's period was paid before.
  case periodAlreadyPaid(ProductID, periodStart: CalendarDate)
  /// The organization has no such payment.
  case paymentNotFound
}

extension AccountingError {
  /// What went wrong in an amount, in this domain's words.
  package init(_ error: MoneyError) {
    switch error {
    case .overflow: self = .amountOverflow
    case .currencyMismatch: self = .mixedCurrencies
    }
  }
}

/// Runs arithmetic on money and gives its errors as this domain's.
func accounting<Result>(
  _ body: () throws(MoneyError) -> Result
) throws(AccountingError) -> Result {
  do {
    return try body()
  } catch {
    throw AccountingError(error)
  }
}
