import SharedDomain
import ShopDomain
import Testing

@Suite("Decisions about orders (SHOP-4, SHOP-5)")
struct OrderDecisionTests {
  static let placedAt = Instant(microseconds: 1_772_000_000_000_000)
  static let later = placedAt.advanced(by: .days(1))
  static let expiry = placedAt.advanced(by: .days(30))
  static let attempt = PaymentAttempt(
    id: UniqueID(at: later, random: 0, moreRandom: 9), userID: id(2), startedAt: later,
    supplyStart: day("2026-01-31"))

  static func order(_ plan: String = "hosting-start") throws -> Order {
    let catalogue = try CatalogueReader.read(netCatalogueText)
    let quote = try catalogue.quote(
      [
        RequestedLine(planID: plan, months: 12, domainName: ""),
        RequestedLine(planID: plan, months: 12, domainName: ""),
      ], in: .chf, on: day("2026-01-31"))
    return try Order.placed(
      id: id(1), organizationID: id(3), orderedBy: id(2), quote: quote,
      productIDs: [id(10), id(11)], recipient: anyParty, acceptedTermsVersion: "terms-1",
      currentTermsVersion: catalogue.termsVersion, at: placedAt)
  }

  static func order(in state: OrderState) throws -> Order {
    let order = try order()
    switch state {
    case .pending, .lapsed: return order
    case .cancelled: return try order.cancelled(at: later)
    case .paying:
      guard case .charge(let paying) = try order.payment(attempt) else { return order }
      return paying
    case .paid:
      guard
        case .complete(let paid, _) = try Self.order(in: .paying)
          .charged(attempt, invoiceID: id(7), paidAt: later, at: later)
      else { return order }
      return paid
    }
  }

  /// A moment at which an order made by `order(in:)` is in the state.
  static func moment(_ state: OrderState) -> Instant { state == .lapsed ? expiry : later }

  @Test("An order waits 30 days, then it has lapsed", arguments: OrderState.allCases)
  func states(_ state: OrderState) throws {
    let order = try Self.order(in: state)
    #expect(order.state(at: Self.moment(state)) == state)
    if state == .lapsed {
      #expect(order.state(at: Instant(microseconds: Self.expiry.microseconds - 1)) == .pending)
    } else if state != .pending {
      #expect(order.state(at: Self.expiry) == state)
    }
  }

  @Test("Other terms than those in force are not accepted (SHOP-6)")
  func terms() throws {
    let order = try Self.order()
    #expect(throws: ShopError.termsOutdated(accepted: "terms-0", current: "terms-1")) {
      try Order.placed(
        id: order.id, organizationID: order.organizationID, orderedBy: order.orderedBy,
        quote: order.quote, productIDs: order.productIDs, recipient: anyParty,
        acceptedTermsVersion: "terms-0", currentTermsVersion: "terms-1", at: Self.placedAt)
    }
  }

  @Test("Only a pending order is cancelled", arguments: OrderState.allCases)
  func cancel(_ state: OrderState) throws {
    let order = try Self.order(in: state)
    let now = Self.moment(state)
    switch state {
    case .pending: #expect(try order.cancelled(at: now).state(at: now) == .cancelled)
    case .paying:
      #expect(throws: ShopError.orderBeingPaid(order.id)) { try order.cancelled(at: now) }
    case .paid, .cancelled, .lapsed:
      #expect(throws: ShopError.orderNotPending(order.id, state)) {
        try order.cancelled(at: now)
      }
    }
  }

  @Test(
    "Only a pending order is paid; a payment under way is joined", arguments: OrderState.allCases)
  func pay(_ state: OrderState) throws {
    let order = try Self.order(in: state)
    let attempt = PaymentAttempt(
      id: UniqueID(at: Self.later, random: 1, moreRandom: 1), userID: id(2),
      startedAt: Self.moment(state), supplyStart: day("2026-01-31"))
    switch state {
    case .pending:
      guard case .charge(let paying) = try order.payment(attempt) else {
        Issue.record("nothing to charge")
        return
      }
      #expect(paying.progress == .paying(attempt))
    case .paying: #expect(try order.payment(attempt) == .join(order))
    case .paid, .cancelled, .lapsed:
      #expect(throws: ShopError.orderNotPending(order.id, state)) {
        try order.payment(attempt)
      }
    }
  }

  @Test("A total of zero is paid without a payment (SHOP-4)")
  func free() throws {
    let order = try Self.order("free-mail-personal")
    guard case .complete(let paid, let products) = try order.payment(Self.attempt) else {
      Issue.record("a charge of nothing")
      return
    }
    #expect(paid.progress == .paid(OrderPayment(paidAt: Self.later, invoiceID: nil)))
    #expect(products.map(\.id) == [id(10), id(11)])
  }

  @Test("Accounting's yes, in every state of the order", arguments: OrderState.allCases)
  func charged(_ state: OrderState) throws {
    let order = try Self.order(in: state)
    let now = Self.moment(state)
    switch state {
    case .pending, .paying, .lapsed:
      guard
        case .complete(let paid, let products) = try order.charged(
          Self.attempt, invoiceID: id(7), paidAt: Self.later, at: now)
      else {
        Issue.record("not completed")
        return
      }
      #expect(paid.progress == .paid(OrderPayment(paidAt: Self.later, invoiceID: id(7))))
      #expect(products.map(\.id) == order.productIDs)
      #expect(products.map(\.term.start) == [day("2026-01-31"), day("2026-01-31")])
      #expect(products.map(\.term.end) == [day("2027-01-31"), day("2027-01-31")])
      #expect(products.allSatisfy { $0.state(on: day("2026-01-31")) == .active })
    case .paid:
      #expect(
        try order.charged(Self.attempt, invoiceID: id(7), paidAt: Self.later, at: now)
          == .nothing)
    case .cancelled:
      #expect(throws: ShopError.orderNotPending(order.id, .cancelled)) {
        try order.charged(Self.attempt, invoiceID: id(7), paidAt: Self.later, at: now)
      }
    }
  }

  @Test("Accounting's no releases the attempt that it answers, and nothing else")
  func refused() throws {
    let pending = try Self.order()
    let paying = try Self.order(in: .paying)
    #expect(paying.refused(Self.attempt) == .release(pending))
    let other = PaymentAttempt(
      id: UniqueID(at: Self.later, random: 5, moreRandom: 5), userID: id(2),
      startedAt: Self.later, supplyStart: day("2026-01-31"))
    #expect(paying.refused(other) == .nothing)
    for state in OrderState.allCases where state != .paying {
      #expect(try Self.order(in: state).refused(Self.attempt) == .nothing)
    }
  }
}
