import AccountingAPI
import AccountingService
import CommonAPI
import GoogleAPI
import RPCCore
import RequestValidation
import SQLCore
import SQLiteDriver
import ServiceStorage
import SharedDomain
import Synchronization
import TestSupport
import Testing

@Suite("ACC-3 due list and payments through the service", .onEachDriver)
struct DueListServiceTests {
  private let anna = Member.admin(of: 1)

  private func pay(
    _ world: World, _ quote: AccountingAPI.PaymentQuote, request: String = "pay"
  ) async throws -> AccountingAPI.Payment {
    let response = try await world.dueList(anna).payDueItems(
      PayDueItemsRequest(requestID: request, paymentQuoteID: quote.paymentQuoteID))
    return try #require(response.payment)
  }

  @Test("two months are shown by default, overdue first; a filter or all on request")
  func list() async throws {
    try await World.run { world in
      // Today is 2026-11-22.
      let starts = [
        "2027-01-23", "2027-01-22", "2026-11-01", "2026-11-22", "2027-06-01", "2028-01-01",
      ]
      world.shop.offer(
        starts.enumerated().map { FakeShop.renewal(UInt64($0 + 1), start: $1) }, to: 1)
      func dates(_ filter: ListDueItemsRequest.DateFilter?) async throws -> [String] {
        try await world.dueList(anna).listDueItems(ListDueItemsRequest(dateFilter: filter)).items
          .compactMap { item in
            item.dueDate.flatMap {
              CalendarDate(year: Int($0.year), month: Int($0.month), day: Int($0.day))?.text
            }
          }
      }
      #expect(try await dates(nil) == ["2026-11-01", "2026-11-22", "2027-01-22"])
      #expect(try await dates(.all(false)) == ["2026-11-01", "2026-11-22", "2027-01-22"])
      #expect(try await dates(.all(true)) == starts.sorted())
      #expect(
        try await dates(.dueBefore(day("2027-06-01").message))
          == ["2026-11-01", "2026-11-22", "2027-01-22", "2027-01-23"])
      #expect(try await dates(.dueBefore(day("2020-01-01").message)) == ["2026-11-01"])
      let item = try #require(
        try await world.dueList(anna).listDueItems(ListDueItemsRequest()).items.first)
      #expect(item.overdue && item.kind == .renewal && item.productID == (id(3) as ProductID).text)
      #expect(item.periodStart == item.dueDate && item.totals?.total?.minorUnits == 12_960)
      #expect(item.periodEnd == day("2027-11-01").message)
    }
  }

  @Test("the list comes in pages, soonest first, each item once")
  func pages() async throws {
    try await World.run { world in
      let renewals = (1...11).map {
        FakeShop.renewal(UInt64($0), start: $0 % 2 == 0 ? "2026-12-01" : "2026-12-02")
      }
      world.shop.offer(renewals, to: 1)
      var items: [AccountingAPI.DueItem] = []
      var token = ""
      repeat {
        let page = try await world.dueList(anna).listDueItems(
          ListDueItemsRequest(pageSize: 4, pageToken: token))
        #expect(page.items.count <= 4)
        items += page.items
        token = page.nextPageToken
      } while !token.isEmpty
      #expect(Set(items.map(\.dueItemID)).count == 11 && items.count == 11)
      #expect(
        items.compactMap(\.dueDate?.day) == Array(repeating: 1, count: 5)
          + Array(repeating: 2, count: 6))
    }
  }

  @Test("paying extends the products from their old end and makes one invoice")
  func paid() async throws {
    try await World.run { world in
      try await world.established(
        anna,
        renewals: [
          FakeShop.renewal(1, start: "2026-12-01"),
          FakeShop.renewal(2, start: "2026-12-05", price: 1234),
        ])
      let quote = try await world.quoteAll(anna)
      #expect(quote.lines.count == 2 && quote.totals?.total?.minorUnits == 14_195)
      #expect(quote.expireTime?.seconds == (Instant.start.microseconds / 1_000_000) + 900)
      let payment = try await pay(world, quote)
      #expect(payment.state == .complete && payment.amount?.minorUnits == 14_195)
      #expect(try await world.balance(anna) == 100_000 - 14_195)
      let invoice = try #require(
        try await world.invoices(anna).getInvoice(
          GetInvoiceRequest(invoiceID: payment.invoiceID)
        ).invoice)
      #expect(invoice.lines == quote.lines && invoice.totals == quote.totals)
      #expect(invoice.number == "2026-000002" && invoice.paymentID == payment.paymentID)
      #expect(invoice.orderID.isEmpty && invoice.recipient?.familyName == "Muster")
      let read = try await world.dueList(anna).getPayment(
        GetPaymentRequest(paymentID: payment.paymentID))
      #expect(read.payment == payment)
      let next = try await world.dueList(anna).listDueItems(
        ListDueItemsRequest(dateFilter: .all(true)))
      #expect(
        next.items.compactMap(\.dueDate)
          == [day("2027-12-01").message, day("2027-12-05").message])
      let movement = try #require(
        try await world.prepaid(anna).listPrepaidMovements(
          ListPrepaidMovementsRequest(currencyCode: "CHF")
        ).movements.first)
      #expect(movement.kind == .duePayment && movement.referenceID == payment.paymentID)
    }
  }

  @Test("the same payment fifty times at once is one payment, with the same answer")
  func idempotent() async throws {
    try await World.run { world in
      try await world.established(
        anna, renewals: [FakeShop.renewal(1, start: "2026-12-01")])
      let quote = try await world.quoteAll(anna)
      let payments = try await withThrowingTaskGroup(of: AccountingAPI.Payment.self) { group in
        for _ in 0..<50 { group.addTask { try await pay(world, quote) } }
        return try await group.reduce(into: Set<AccountingAPI.Payment>()) { $0.insert($1) }
      }
      #expect(payments.map(\.state) == [.complete])
      #expect(try await world.balance(anna) == 100_000 - 12_960)
      #expect(world.shop.state.withLock { Array($0.applied.values) } == [1])
      let again = await failure { try await pay(world, quote, request: "again") }
      #expect(again.reason == "PAYMENT_QUOTE_ALREADY_PAID")
    }
  }

  @Test("a period is never paid twice, though many quotes name it")
  func neverTwice() async throws {
    try await World.run { world in
      try await world.established(
        anna, renewals: [FakeShop.renewal(1, start: "2026-12-01")])
      var quotes: [AccountingAPI.PaymentQuote] = []
      for number in 0..<10 {
        quotes.append(try await world.quoteAll(anna, request: "quote-\(number)"))
      }
      let reasons = await withTaskGroup(of: String.self) { group in
        for quote in quotes {
          group.addTask {
            do {
              _ = try await pay(world, quote, request: quote.paymentQuoteID)
              return "PAID"
            } catch {
              return (error as? RPCError)?.reason ?? "\(error)"
            }
          }
        }
        return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      #expect(reasons == ["PAID": 1, "PERIOD_ALREADY_PAID": 9])
      #expect(try await world.balance(anna) == 100_000 - 12_960)
    }
  }

  @Test("where the shop does not answer the payment is PAID, and the relay completes it")
  func relayCompletes() async throws {
    try await World.run { world in
      try await world.established(
        anna, renewals: [FakeShop.renewal(1, start: "2026-12-01")])
      let quote = try await world.quoteAll(anna)
      world.shop.state.withLock { $0.canApply = false }
      let payment = try await pay(world, quote)
      #expect(payment.state == .paid)
      #expect(try await world.balance(anna) == 100_000 - 12_960)
      // Paid for, so due no more, though the shop has not extended it.
      let due = try await world.dueList(anna).listDueItems(ListDueItemsRequest())
      #expect(due.items.isEmpty)
      let unknown = await failure {
        try await world.dueList(anna).quoteDueItems(
          QuoteDueItemsRequest(
            requestID: "q2",
            dueItemIDs: ["renewal.\((id(1) as ProductID).text).2026-12-01"]))
      }
      #expect(unknown.reason == "DUE_ITEM_NOT_FOUND")
      // The process is killed; the next one finds the step in the outbox.
      world.shop.state.withLock { $0.canApply = true }
      world.clock.advance(by: .hours(1))
      let restarted = world.restarted()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await restarted.relay.run() }
        let limit = ContinuousClock.now + .seconds(20)
        while try await state(world, payment) != .complete, ContinuousClock.now < limit {
          await Task.yield()
        }
        group.cancelAll()
      }
      #expect(try await state(world, payment) == .complete)
      #expect(world.shop.state.withLock { $0.applied } == [payment.paymentID: 1])
      #expect(try await world.count("SELECT COUNT(*) FROM outbox") == 0)
      #expect(try await pay(world, quote).state == .complete)
    }
  }

  @Test("repeating the payment completes what the shop did not answer")
  func repetitionCompletes() async throws {
    try await World.run { world in
      try await world.established(
        anna, renewals: [FakeShop.renewal(1, start: "2026-12-01")])
      let quote = try await world.quoteAll(anna)
      world.shop.state.withLock { $0.canApply = false }
      let payment = try await pay(world, quote)
      world.shop.state.withLock { $0.canApply = true }
      let again = try await pay(world, quote)
      #expect(again.paymentID == payment.paymentID && again.state == .complete)
    }
  }

  private func state(
    _ world: World, _ payment: AccountingAPI.Payment
  ) async throws -> AccountingAPI.PaymentState? {
    try await world.dueList(anna).getPayment(
      GetPaymentRequest(paymentID: payment.paymentID)
    ).payment?.state
  }

  @Test("validate_only tells what paying would, and pays nothing")
  func validateOnly() async throws {
    try await World.run { world in
      try await world.established(
        anna, balance: 500, renewals: [FakeShop.renewal(1, start: "2026-12-01")])
      let quote = try await world.quoteAll(anna)
      func validate() async throws -> PayDueItemsResponse {
        try await world.dueList(anna).payDueItems(
          PayDueItemsRequest(
            requestID: "v", paymentQuoteID: quote.paymentQuoteID, validateOnly: true))
      }
      let missing = await failure { try await validate() }
      #expect(missing.reason == "INSUFFICIENT_FUNDS")
      let refused = await failure { try await pay(world, quote) }
      #expect(refused.reason == "INSUFFICIENT_FUNDS" && refused.message.contains("CHF 124.60"))
      try await world.fund(anna, 20_000, request: "more")
      #expect(try await validate() == PayDueItemsResponse())
      #expect(try await world.balance(anna) == 20_500)
      world.clock.advance(by: .minutes(15))
      let expired = await failure { try await validate() }
      #expect(expired.code == .failedPrecondition && expired.reason == "PAYMENT_QUOTE_EXPIRED")
      let late = await failure { try await pay(world, quote) }
      #expect(late.reason == "PAYMENT_QUOTE_EXPIRED")
      #expect(world.shop.state.withLock { $0.applied.isEmpty })
    }
  }

  @Test("a quote is repeated from what was saved, whatever the shop says meanwhile")
  func quoteReplay() async throws {
    try await World.run { world in
      try await world.established(
        anna, renewals: [FakeShop.renewal(1, start: "2026-12-01")])
      let item = "renewal.\((id(1) as ProductID).text).2026-12-01"
      let request = QuoteDueItemsRequest(requestID: "q", dueItemIDs: [item])
      let first = try await world.dueList(anna).quoteDueItems(request)
      world.shop.state.withLock { $0.isReachable = false }
      #expect(try await world.dueList(anna).quoteDueItems(request) == first)
      let other = await failure {
        try await world.dueList(anna).quoteDueItems(
          QuoteDueItemsRequest(requestID: "q2", dueItemIDs: [item]))
      }
      #expect(other.code == .unavailable && other.reason == "SHOP_UNAVAILABLE")
      let list = await failure {
        try await world.dueList(anna).listDueItems(ListDueItemsRequest())
      }
      #expect(list.reason == "SHOP_UNAVAILABLE")
    }
  }

  @Test("what cannot be quoted says why")
  func quoteErrors() async throws {
    try await World.run { world in
      func quote(_ items: [String], _ request: String) async -> RPCError {
        await failure {
          try await world.dueList(anna).quoteDueItems(
            QuoteDueItemsRequest(requestID: request, dueItemIDs: items))
        }
      }
      func item(_ product: UInt64, _ start: String) -> String {
        "renewal.\((id(product) as ProductID).text).\(start)"
      }
      world.shop.offer(
        [
          FakeShop.renewal(1, start: "2026-12-01"),
          FakeShop.renewal(2, start: "2026-12-01", currency: "EUR"),
          FakeShop.renewal(3, start: "2026-12-01", price: .max),
        ], to: 1)
      // Whom another organization's invoices go to does not count.
      let bert = Member.admin(of: 2)
      try await world.fund(bert, 50_000)
      try await world.charge(bert, order: 9)
      let unknown = await quote([item(1, "2026-12-01")], "a")
      #expect(unknown.code == .failedPrecondition && unknown.reason == "RECIPIENT_UNKNOWN")
      let moved = await quote([item(1, "2025-12-01")], "b")
      #expect(moved.code == .notFound && moved.reason == "DUE_ITEM_NOT_FOUND")
      let mixed = await quote([item(1, "2026-12-01"), item(2, "2026-12-01")], "c")
      #expect(mixed.code == .invalidArgument && mixed.reason == "MIXED_CURRENCIES")
      let huge = await quote([item(3, "2026-12-01")], "d")
      #expect(huge.reason == "AMOUNT_OVERFLOW")
      let twice = await quote([item(1, "2026-12-01"), item(1, "2026-12-01")], "e")
      #expect(twice.fields.map(\.field) == ["due_item_ids[1]"])
      let invoice = await quote(["invoice.\((id(9) as InvoiceID).text)"], "f")
      #expect(invoice.reason == "DUE_ITEM_NOT_FOUND")
    }
  }

  @Test("an open invoice is listed, and refused with a clear error when it is quoted")
  func openInvoice() async throws {
    try await World.run { world in
      try await world.fund(anna, 50_000)
      let charged = try await world.charge(anna, order: 1)
      // Nothing opens invoices yet: this one is written as a later change will.
      try await world.database.write { transaction in
        let place = transaction.dialect == .postgres ? " ON invoice" : ""
        try transaction.script("DROP TRIGGER invoice_is_frozen\(place)")
        _ = try transaction.execute("UPDATE invoice SET state = 'OPEN', due_date = '2026-11-01'")
      }
      let due = try await world.dueList(anna).listDueItems(ListDueItemsRequest()).items
      #expect(due.map(\.kind) == [.invoice] && due.map(\.invoiceID) == [charged.invoiceID])
      #expect(due.first?.overdue == true && due.first?.totals?.total?.minorUnits == 12_960)
      let berts = try await world.dueList(.admin(of: 2)).listDueItems(ListDueItemsRequest()).items
      #expect(berts.isEmpty)
      let error = await failure {
        try await world.dueList(anna).quoteDueItems(
          QuoteDueItemsRequest(requestID: "q", dueItemIDs: due.map(\.dueItemID)))
      }
      #expect(error.code == .failedPrecondition && error.reason == "OPEN_INVOICE_NOT_PAYABLE")
    }
  }
}
