import AccountingAPI
import CommonAPI
import GoogleAPI
import RPCCore
import RequestValidation
import SQLCore
import ServiceStorage
import SharedDomain
import ShopAPI
import ShopDomain
import ShopService
import TestSupport
import Testing

@Suite("Paying orders (SHOP-4, SHOP-5)", .onEachDriver)
struct PaymentTests {
  let bench: ShopBench
  let admin: ShopClient

  init() async throws {
    bench = try await ShopBench()
    admin = try bench.member(1, of: 2)
  }

  @Test("Paying charges the order once and makes one product for each line")
  func pays() async throws {
    let order = try await admin.place("p", [ShopClient.hosting, ShopClient.hosting])
    #expect(order.state == .pending)
    #expect(order.productIDs.isEmpty)
    let paid = try await admin.pay(order.orderID)
    #expect(paid.state == .paid)
    #expect(paid.payTime == bench.clock.now().timestamp)
    #expect(InvoiceID(paid.invoiceID) != nil)
    let products = try await admin.allProducts()
    #expect(products.map(\.productID) == paid.productIDs.sorted())
    #expect(products.count == 2)
    #expect(products.allSatisfy { $0.state == .active && $0.orderID == order.orderID })
    #expect(products[0].periodStart == day("2026-01-31").message)
    #expect(products[0].periodEnd == day("2027-01-31").message)

    let charge = try #require(bench.accounting.charges.first)
    #expect(bench.accounting.charges.count == 1)
    #expect(charge.organizationID == admin.organizationID.text)
    #expect(charge.userID == admin.userID.text)
    #expect(charge.totals == order.quote?.totals)
    #expect(charge.recipient == order.recipient)
    #expect(charge.lines.map(\.productID) == paid.productIDs)
    #expect(charge.lines.map(\.periodStart) == products.map(\.periodStart))
    #expect(charge.lines.map(\.periodEnd) == products.map(\.periodEnd))
    #expect(charge.lines.map(\.net) == order.quote?.lines.map(\.net))
  }

  @Test("An order of nothing is paid without a payment, and its products exist (SHOP-4)")
  func free() async throws {
    let order = try await admin.place("p", [ShopClient.freeMail])
    bench.accounting.set(.refuses(missing: 1))
    let paid = try await admin.pay(order.orderID)
    #expect(paid.state == .paid)
    #expect(paid.invoiceID.isEmpty)
    #expect(paid.productIDs.count == 1)
    #expect(bench.accounting.questions.isEmpty)
    #expect(try await admin.pay(order.orderID) == paid)
    #expect(try await admin.allProducts().count == 1)
  }

  @Test("Without the money nothing changes, and the same request succeeds after a top-up")
  func insufficientFunds() async throws {
    let order = try await admin.place()
    bench.accounting.set(.refuses(missing: 700))
    let error = await failure { _ = try await admin.pay(order.orderID) }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.reason == "INSUFFICIENT_FUNDS")
    guard case .errorInfo(let info) = error?.details.first else {
      Issue.record("no details")
      return
    }
    #expect(info.metadata["missing_minor_units"] == "700")
    #expect(try await admin.order(order.orderID) == order)
    #expect(try await admin.allProducts().isEmpty)
    // Again, with the same id: refused again, and later paid.
    #expect(
      await failure { _ = try await admin.pay(order.orderID) }?.reason == "INSUFFICIENT_FUNDS")
    bench.accounting.set(.pays)
    #expect(try await admin.pay(order.orderID).state == .paid)
    #expect(bench.accounting.charges.count == 1)
  }

  @Test("A charge that accounting does not understand is our fault, and frees the order")
  func notUnderstood() async throws {
    let order = try await admin.place()
    bench.accounting.set(.fails(RPCError(.invalidArgument, "lines[0]: wrong")))
    let error = await failure { _ = try await admin.pay(order.orderID) }
    #expect(error?.code == .internalError)
    #expect(error?.reason == "CHARGE_NOT_UNDERSTOOD")
    #expect(error?.message.contains("lines[0]") == false)
    #expect(try await admin.order(order.orderID).state == .pending)
  }

  @Test("While accounting is away the order is PAYING; the relay completes it")
  func unavailable() async throws {
    let order = try await admin.place()
    bench.accounting.set(.fails(RPCError(.unavailable, "no connection")))
    let paying = try await admin.pay(order.orderID)
    #expect(paying.state == .paying)
    #expect(paying.productIDs.isEmpty)
    #expect(
      await failure { _ = try await admin.cancel(order.orderID) }?.reason == "ORDER_BEING_PAID")
    bench.accounting.set(.pays)
    bench.clock.advance(by: .days(2))
    try await completeByRelay(bench.services, order.orderID)
    // The periods are those that accounting was told at first.
    let product = try #require(try await admin.allProducts().first)
    #expect(product.periodStart == day("2026-01-31").message)
    #expect(bench.accounting.charges.count == 1)
    #expect(Set(bench.accounting.questions).count == 1)
    #expect(try await admin.pay(order.orderID).state == .paid)
  }

  @Test("A lost answer is asked for again: one charge, one set of products")
  func lostAnswer() async throws {
    let order = try await admin.place()
    bench.accounting.set(.losesAnswer)
    #expect(try await admin.pay(order.orderID).state == .paying)
    #expect(bench.accounting.charges.count == 1)
    #expect(try await admin.allProducts().isEmpty)
    bench.accounting.set(.pays)
    // A new process finds what the old one had begun.
    bench.clock.advance(by: .hours(1))
    try await completeByRelay(try await bench.restarted(), order.orderID)
    #expect(bench.accounting.charges.count == 1)
    #expect(try await admin.allProducts().count == 1)
  }

  @Test("A repeated call settles what is unknown")
  func repeatedCall() async throws {
    let order = try await admin.place()
    bench.accounting.set(.losesAnswer)
    #expect(try await admin.pay(order.orderID).state == .paying)
    bench.accounting.set(.pays)
    #expect(try await admin.pay(order.orderID).state == .paid)
    #expect(try await admin.allProducts().count == 1)
  }

  @Test("An unknown outcome that turns out a refusal frees the order")
  func lateRefusal() async throws {
    let order = try await admin.place()
    bench.accounting.set(.fails(RPCError(.deadlineExceeded, "too late")))
    #expect(try await admin.pay(order.orderID).state == .paying)
    bench.accounting.set(.refuses(missing: 5))
    #expect(
      await failure { _ = try await admin.pay(order.orderID) }?.reason == "INSUFFICIENT_FUNDS")
    #expect(try await admin.order(order.orderID).state == .pending)
    #expect(try await admin.cancel(order.orderID).state == .cancelled)
  }

  @Test("The same request 50 times at once: one charge, one set of products, one answer")
  func concurrent() async throws {
    let order = try await admin.place("p", [ShopClient.hosting, ShopClient.freeMail])
    let answers = try await withThrowingTaskGroup(of: ShopAPI.Order.self) { group in
      for _ in 0..<50 { group.addTask { try await admin.pay(order.orderID) } }
      return try await group.reduce(into: Set<ShopAPI.Order>()) { $0.insert($1) }
    }
    #expect(answers.count == 1)
    #expect(answers.first?.state == .paid)
    #expect(bench.accounting.charges.count == 1)
    #expect(try await admin.allProducts().count == 2)
  }

  @Test("50 requests at once with ids of their own pay once")
  func concurrentIDs() async throws {
    let order = try await admin.place()
    let outcomes = await withTaskGroup(of: String.self) { group in
      for number in 0..<50 {
        group.addTask {
          do {
            return "\(try await admin.pay(order.orderID, "pay-\(number)").state)"
          } catch {
            return (error as? RPCError)?.reason ?? "\(error)"
          }
        }
      }
      return await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(outcomes.isSubset(of: ["paid", "ORDER_NOT_PENDING"]))
    #expect(bench.accounting.charges.count == 1)
    #expect(try await admin.allProducts().count == 1)
  }

  @Test("Whoever comes first, an order is either cancelled or paid", arguments: 0..<10)
  func cancelRace(_ round: Int) async throws {
    let order = try await admin.place()
    async let payment = failure { _ = try await admin.pay(order.orderID) }
    async let cancellation = failure { _ = try await admin.cancel(order.orderID) }
    let (payError, cancelError) = await (payment, cancellation)
    let state = try await admin.order(order.orderID).state
    let products = try await admin.allProducts().count
    if cancelError == nil {
      #expect(state == .cancelled)
      #expect(payError?.reason == "ORDER_NOT_PENDING")
      #expect(products == 0)
      #expect(bench.accounting.charges.isEmpty)
    } else {
      #expect(["ORDER_BEING_PAID", "ORDER_NOT_PENDING"].contains(cancelError?.reason))
      #expect(state == .paid)
      #expect(payError == nil)
      #expect(products == 1)
    }
  }

  @Test("While the question is under way, a cancellation is refused")
  func cancelDuringCharge() async throws {
    let order = try await admin.place()
    let (arrivals, arrival) = AsyncStream<Void>.makeStream()
    bench.accounting.hold { arrival.yield() }
    async let payment = admin.pay(order.orderID)
    for await _ in arrivals { break }
    #expect(try await admin.order(order.orderID).state == .paying)
    #expect(
      await failure { _ = try await admin.cancel(order.orderID) }?.reason == "ORDER_BEING_PAID")
    bench.accounting.open()
    #expect(try await payment.state == .paid)
  }

  @Test("A request id is for one order")
  func reusedID() async throws {
    let first = try await admin.place("p-1")
    let second = try await admin.place("p-2")
    _ = try await admin.pay(first.orderID, "same")
    let error = await failure { _ = try await admin.pay(second.orderID, "same") }
    #expect(error?.code == .alreadyExists)
    #expect(error?.reason == "IDEMPOTENCY_KEY_REUSED")
    // Another user's ids are their own.
    let other = try bench.member(5, of: 2)
    #expect(try await other.pay(second.orderID, "same").state == .paid)
  }

  @Test("A lapsed order is not paid; one that was paid in time does not lapse")
  func lapse() async throws {
    let lapsing = try await admin.place("p-1")
    let paid = try await admin.pay(try await admin.place("p-2").orderID, "pay-2")
    bench.clock.advance(by: .days(30))
    #expect(try await admin.order(lapsing.orderID).state == .lapsed)
    #expect(try await admin.order(paid.orderID).state == .paid)
    let error = await failure { _ = try await admin.pay(lapsing.orderID) }
    #expect(error?.reason == "ORDER_NOT_PENDING")
    #expect(bench.accounting.charges.count == 1)
  }

  @Test("A payment that began in time completes after the expiry")
  func lateCompletion() async throws {
    let order = try await admin.place()
    bench.clock.advance(by: .days(29))
    bench.accounting.set(.losesAnswer)
    _ = try await admin.pay(order.orderID)
    bench.clock.advance(by: .days(3))
    #expect(try await admin.order(order.orderID).state == .paying)
    bench.accounting.set(.pays)
    #expect(try await admin.pay(order.orderID).state == .paid)
  }

  @Test("Every change of an order and its products is in the audit log, whose chain verifies")
  func audit() async throws {
    let order = try await admin.place("p-1")
    let paid = try await admin.pay(order.orderID)
    _ = try await admin.cancel(try await admin.place("p-2").orderID)
    let (entries, verification) = try await bench.database.read {
      [organizationID = admin.organizationID] transaction in
      (
        try AuditLog.page(of: organizationID, limit: 100, in: transaction),
        try AuditLog.verify(organizationID, in: transaction)
      )
    }
    #expect(
      entries.reversed().map(\.record.action) == [
        "order.placed", "order.paid", "product.activated", "order.placed", "order.cancelled",
      ])
    #expect(entries.reversed()[2].record.target == "product:\(paid.productIDs[0])")
    #expect(entries.allSatisfy { $0.record.actor == "user:\(admin.userID)" })
    guard case .intact(entries: 5, head: _) = verification else {
      Issue.record("\(verification)")
      return
    }
  }

  /// Runs the relay of some services until an order is paid.
  private func completeByRelay(_ services: ShopServices, _ orderID: String) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await services.relay.run() }
      services.relay.wake()
      while try await admin.order(orderID).state == .paying {
        try Task.checkCancellation()
        await Task.yield()
      }
      try #require(try await admin.order(orderID).state == .paid)
      group.cancelAll()
    }
  }
}
