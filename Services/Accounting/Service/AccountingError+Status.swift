internal import AccountingDomain
internal import RPCCore
internal import SharedDomain

/// What callers are told: the one place where the domain's errors become statuses.
extension RPCError {
  init(_ error: AccountingError) {
    self = RPCError.status(of: error)
  }

  private static func status(of error: AccountingError) -> RPCError {
    switch error {
    case .amountOverflow:
      return RPCError(
        .invalidArgument, reason: "AMOUNT_OVERFLOW",
        "the amounts are too large: their sum does not fit 64 bits of minor units")
    case .mixedCurrencies:
      return RPCError(
        .invalidArgument, reason: "MIXED_CURRENCIES",
        "all amounts of one payment must be of one currency: pay each currency by itself")
    case .unbalancedEntry, .malformedEntry:
      return RPCError(
        .internalError, "an entry was refused: its debits and credits do not agree")
    case .insufficientFunds(let balance, let total):
      return .insufficientFunds(balance: balance, total: total)
    case .topUpAmountOutOfRange(let amount, let minimum, let maximum):
      let description = "is \(amount); expected \(minimum) to \(maximum)"
      return RPCError(
        .invalidArgument, reason: "TOP_UP_AMOUNT_OUT_OF_RANGE", "amount: \(description)",
        metadata: [
          "minimum_minor_units": String(minimum.minorUnits),
          "maximum_minor_units": String(maximum.minorUnits),
          "currency_code": minimum.currency.code,
        ], fields: [FieldViolation(field: "amount.minor_units", description: description)])
    case .topUpMethodUnavailable(let method):
      return RPCError(
        .failedPrecondition, reason: "TOP_UP_METHOD_UNAVAILABLE",
        "no payment provider is configured for \(method.rawValue): list the top-up methods and "
          + "choose one of them")
    case .topUpNotFound:
      return RPCError(
        .notFound, reason: "TOP_UP_NOT_FOUND",
        "there is no such top-up in the active organization: list the top-ups")
    case .providerReferenceUnknown(let reference):
      return RPCError(
        .notFound, reason: "PROVIDER_REFERENCE_UNKNOWN",
        "no top-up has the provider reference \(reference)")
    case .eventAmountMismatch(let expected, let reported):
      return RPCError(
        .failedPrecondition, reason: "EVENT_AMOUNT_MISMATCH",
        "the event reports \(reported), the top-up is of \(expected): nothing was credited",
        metadata: [
          "expected_minor_units": String(expected.minorUnits),
          "expected_currency_code": expected.currency.code,
        ])
    case .eventReused(let event):
      return RPCError(
        .alreadyExists, reason: "EVENT_ID_REUSED",
        "an event with the id \(event) and other content was taken before: nothing was credited")
    case .topUpNotPending(let state):
      return RPCError(
        .failedPrecondition, reason: "TOP_UP_NOT_PENDING",
        "the top-up is \(state.rawValue); expected PENDING: create a new top-up")
    case .chargeMismatch(let field, let expected, let found):
      let description = "is \(found); expected \(expected)"
      return RPCError(
        .invalidArgument, reason: "CHARGE_MISMATCH", "\(field): \(description)",
        fields: [FieldViolation(field: field, description: description)])
    case .orderChargedDifferently(let order):
      return RPCError(
        .alreadyExists, reason: "ORDER_CHARGED_DIFFERENTLY",
        "the order \(order) was charged before with other content: repeat the first request")
    case .invoiceNotFound:
      return RPCError(
        .notFound, reason: "INVOICE_NOT_FOUND",
        "there is no such invoice in the active organization: list the invoices")
    case .dueItemNotFound(let item):
      return RPCError(
        .notFound, reason: "DUE_ITEM_NOT_FOUND",
        "\(item) is not due in the active organization: list the due items again",
        metadata: ["due_item_id": item])
    case .openInvoiceNotPayable(let invoice):
      return RPCError(
        .failedPrecondition, reason: "OPEN_INVOICE_NOT_PAYABLE",
        "the open invoice \(invoice) cannot be paid from the prepaid account yet: quote the "
          + "renewals without it",
        metadata: ["invoice_id": invoice.text])
    case .recipientUnknown:
      return RPCError(
        .failedPrecondition, reason: "RECIPIENT_UNKNOWN",
        "nobody is known to make the invoice out to: the organization's first order tells it")
    case .quoteNotFound:
      return RPCError(
        .notFound, reason: "PAYMENT_QUOTE_NOT_FOUND",
        "there is no such quote in the active organization: quote the due items again")
    case .quoteExpired:
      return RPCError(
        .failedPrecondition, reason: "PAYMENT_QUOTE_EXPIRED",
        "the quote held for 15 minutes and has expired: quote the due items again")
    case .quoteAlreadyPaid(let payment):
      return RPCError(
        .failedPrecondition, reason: "PAYMENT_QUOTE_ALREADY_PAID",
        "the quote was paid by the payment \(payment)", metadata: ["payment_id": payment.text])
    case .periodAlreadyPaid(let product, let start):
      return RPCError(
        .failedPrecondition, reason: "PERIOD_ALREADY_PAID",
        "the period of the product \(product) that begins on \(start) was paid before: quote the "
          + "due items again",
        metadata: ["product_id": product.text, "period_start": start.text])
    case .paymentNotFound:
      return RPCError(
        .notFound, reason: "PAYMENT_NOT_FOUND",
        "there is no such payment in the active organization")
    }
  }

  private static func insufficientFunds(balance: Money, total: Money) -> RPCError {
    let (difference, overflow) = total.minorUnits.subtractingReportingOverflow(balance.minorUnits)
    let missing = Money(
      minorUnits: overflow ? .max : max(0, difference), currency: total.currency)
    return RPCError(
      .failedPrecondition, reason: "INSUFFICIENT_FUNDS",
      "the prepaid balance of \(balance) does not cover \(total): top up \(missing) at least "
        + "and try again",
      metadata: [
        "missing_minor_units": String(missing.minorUnits),
        "currency_code": total.currency.code,
        "balance_minor_units": String(balance.minorUnits),
        "total_minor_units": String(total.minorUnits),
      ])
  }
}
