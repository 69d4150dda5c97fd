import SharedDomain
import ShopDomain
import Testing

@Suite("Products (PROD-4, ACC-3, ACC-7)")
struct ProductTests {
  static func product(
    plan: String = "hosting-start", start: String = "2026-01-31", months count: Int = 1,
    isFree: Bool = false, stage: Product.Stage = .inService
  ) throws -> Product {
    let planID = try #require(PlanID(plan))
    let typeID = try #require(ProductTypeID("web-hosting"))
    return Product(
      id: id(1), organizationID: id(2), orderID: id(3), productTypeID: typeID, planID: planID,
      domainName: nil,
      terms: ProductTerms(
        category: .webAndDomain, displayName: "Web hosting Start", graceDays: 7, blockedDays: 30,
        isFree: isFree),
      currency: .chf, stage: stage,
      term: BillingTerm(startingOn: day(start), period: months(count)),
      createdAt: Instant(microseconds: 0))
  }

  @Test(
    "ACTIVE to the end, GRACE for 7 days, BLOCKED for 30, then TERMINATED",
    arguments: [
      ("2026-01-31", .active), ("2026-02-27", .active), ("2026-02-28", .grace),
      ("2026-03-06", .grace), ("2026-03-07", .blocked), ("2026-04-05", .blocked),
      ("2026-04-06", .terminated), ("9999-12-31", .terminated),
    ] as [(String, ProductState)])
  func states(_ date: String, _ state: ProductState) throws {
    #expect(try Self.product().state(on: day(date)) == state)
  }

  @Test("A decision outweighs the dates")
  func stages() throws {
    #expect(try Self.product(stage: .pending).state(on: day("2026-02-01")) == .pending)
    #expect(try Self.product(stage: .terminated).state(on: day("2026-02-01")) == .terminated)
  }

  @Test(
    "A free product renews by itself",
    arguments: [
      ("2026-01-31", "2026-01-31", "2026-02-28"), ("2026-02-28", "2026-02-28", "2026-03-31"),
      ("2028-02-29", "2028-02-29", "2028-03-31"), ("2025-01-01", "2026-01-31", "2026-02-28"),
    ])
  func free(_ date: String, _ start: String, _ end: String) throws {
    let product = try Self.product(isFree: true)
    #expect(product.state(on: day("9999-12-31")) == .active)
    let term = product.currentTerm(on: day(date))
    #expect(term.start == day(start))
    #expect(term.end == day(end))
    // Ends where the calendar does.
    _ = product.currentTerm(on: day("9999-12-31"))
  }

  @Test("A renewal extends from the old end, and a short month does not shorten the next")
  func renewal() throws {
    let once = try Self.product().renewed(from: day("2026-02-28"), months(1))
    #expect(once.term.start == day("2026-02-28"))
    #expect(once.term.end == day("2026-03-31"))
    let twice = try once.renewed(from: day("2026-03-31"), months(1))
    #expect(twice.term.end == day("2026-04-30"))
  }

  @Test("A period of another length sets a new anchor (ACC-7)")
  func otherPeriod() throws {
    let year = try Self.product().renewed(from: day("2026-02-28"), months(12))
    #expect(year.term == BillingTerm(startingOn: day("2026-02-28"), period: months(12)))
  }

  @Test(
    "A period that does not begin at the end is refused", arguments: ["2026-02-27", "2026-03-31"])
  func conflict(_ start: String) throws {
    let product = try Self.product()
    #expect(
      throws: ShopError.renewalConflict(
        id(1), periodStart: day(start), productEnd: day("2026-02-28"))
    ) {
      try product.renewed(from: day(start), months(1))
    }
  }

  @Test("What is free, over or not begun is not renewed")
  func notRenewable() throws {
    let catalogue = try CatalogueReader.read(netCatalogueText)
    let table: [(Product, ProductState)] = [
      (try Self.product(isFree: true), .active),
      (try Self.product(stage: .pending), .pending),
      (try Self.product(stage: .terminated), .terminated),
    ]
    for (product, state) in table {
      #expect(catalogue.renewal(of: product, on: day("2026-02-01")) == nil)
      #expect(throws: ShopError.productNotRenewable(id(1), state)) {
        try product.renewed(from: day("2026-02-28"), months(1))
      }
    }
  }

  @Test("A renewal costs what today's catalogue says, also where the plan is sold no more")
  func price() throws {
    let catalogue = try CatalogueReader.read(netCatalogueText)
    let product = try Self.product(plan: "hosting-old")
    let renewal = try #require(catalogue.renewal(of: product, on: day("2026-03-10")))
    #expect(renewal.price == chf(100))
    #expect(!renewal.priceIncludesTax)
    #expect(renewal.taxClass == .standard)
    #expect(renewal.term.start == day("2026-02-28"))
    #expect(renewal.description == "Web hosting Start, 1 month")
    #expect(catalogue.renewal(of: product, on: day("2026-04-06")) == nil)
    #expect(catalogue.renewal(of: try Self.product(months: 3), on: day("2026-03-10")) == nil)
  }
}
