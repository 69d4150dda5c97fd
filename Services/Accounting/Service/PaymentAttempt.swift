internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// Paying one quote: checks and effects, each in one transaction (ACC-3, ACC-4).
struct PaymentAttempt: Sendable {
  private let books: Books
  private let caller: Caller
  private let quoteID: PaymentQuoteID
  private let source: String?
  private let now: Instant
  /// Also the id of the outbox's message, so that the payment leads to it.
  private let paymentID: PaymentID
  private let sale: Books.SaleIdentifiers

  init(books: Books, caller: Caller, quoteID: PaymentQuoteID, source: String?) {
    self.books = books
    self.caller = caller
    self.quoteID = quoteID
    self.source = source
    now = books.clock.now()
    paymentID = books.identifiers.next()
    sale = books.saleIdentifiers()
  }

  /// Throws what ``pay(in:)`` would throw now, and changes nothing.
  func check(in transaction: any Transaction) throws {
    let (quote, _) = try payable(in: transaction)
    let total = quote.totals.total
    let balance = try LedgerStore.balance(
      caller.organizationID, total.currency, in: transaction)
    _ = try balance.spending(total)
  }

  /// Takes the money, makes the invoice and the payment, and queues the shop's part.
  func pay(in transaction: any Transaction) throws -> PayDueItemsResponse {
    let (quote, recipient) = try payable(in: transaction)
    let invoice = try books.sell(
      quote.invoice(paymentID: paymentID, recipient: recipient), identifiers: sale, at: now,
      in: transaction
    ) { balance, number in
      try quote.entry(paymentID: paymentID, from: balance, invoiceNumber: number)
    }
    let payment = AccountingDomain.Payment(
      id: paymentID, organizationID: caller.organizationID, userID: caller.userID,
      quoteID: quoteID, amount: quote.totals.total, state: .paid, invoiceID: invoice.id,
      createdAt: now)
    try PaymentStore.insert(payment, items: quote.items, in: transaction)
    try Outbox.append(
      try RenewalDelivery.message(payment, items: quote.items, id: paymentID.value),
      in: transaction)
    try books.recordSale(
      .dueItemsPaid, by: caller.actor, target: "payment:\(paymentID.text)", invoice, at: now,
      source: source, in: transaction)
    return PayDueItemsResponse(payment: payment.message)
  }

  /// The quote and whom its invoice is made out to, or why it cannot be paid.
  private func payable(
    in transaction: any Transaction
  ) throws -> (AccountingDomain.PaymentQuote, Party) {
    let found = try PaymentStore.quote(quoteID, of: caller.organizationID, in: transaction)
    guard let quote = found else { throw AccountingError.quoteNotFound }
    try quote.checkPayable(
      at: now, paidBy: try PaymentStore.payment(ofQuote: quoteID, in: transaction),
      paidPeriods: try PaymentStore.paidPeriods(
        of: quote.items.map(\.productID), in: transaction))
    let recipient = try InvoiceStore.billingParty(of: caller.organizationID, in: transaction)
    guard let recipient else { throw AccountingError.recipientUnknown }
    return (quote, recipient)
  }
}
