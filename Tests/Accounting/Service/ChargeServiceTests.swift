import AccountingAPI
import CommonAPI
import GoogleAPI
import RPCCore
import SQLCore
import SQLiteDriver
import ServiceStorage
import SharedDomain
import TestSupport
import Testing

@Suite("Charges and invoices through the service (ACC-2, ACC-8, SHOP-5)", .onEachDriver)
struct ChargeServiceTests {
  private let anna = Member.admin(of: 1)

  @Test("an order is paid from the prepaid account and makes a paid invoice")
  func charged() async throws {
    try await World.run { world in
      try await world.fund(anna, 20_000)
      let charged = try await world.charge(anna, order: 1)
      #expect(try await world.balance(anna) == 20_000 - 12_960)
      let invoice = try #require(
        try await world.invoices(anna).getInvoice(
          GetInvoiceRequest(invoiceID: charged.invoiceID)
        ).invoice)
      #expect(invoice.number == "2026-000001" && invoice.state == .paid)
      #expect(invoice.issueDate == CommonAPI.Date(year: 2026, month: 11, day: 22))
      #expect(invoice.supplier?.vatNumber == "CHE-123.456.788 MWST")
      #expect(invoice.recipient?.town == "Zürich")
      #expect(invoice.orderID == (id(1) as OrderID).text && invoice.paymentID.isEmpty)
      #expect(invoice.totals?.net?.minorUnits == 11_988)
      #expect(invoice.totals?.taxLines.map(\.rateBasisPoints) == [810])
      #expect(invoice.totals?.tax?.minorUnits == 971)
      #expect(invoice.totals?.rounding?.minorUnits == 1)
      #expect(invoice.totals?.total?.minorUnits == 12_960)
      #expect(invoice.lines.count == 1 && invoice.lines.first?.taxRateBasisPoints == 810)
      let request = try world.chargeRequest(anna, order: 1)
      #expect(invoice.lines == request.lines && invoice.totals == request.totals)
      let movement = try #require(
        try await world.prepaid(anna).listPrepaidMovements(
          ListPrepaidMovementsRequest(currencyCode: "CHF")
        ).movements.first)
      #expect(movement.kind == .orderPayment && movement.referenceID == invoice.orderID)
      #expect(movement.description == "Order, invoice 2026-000001")
    }
  }

  @Test("the same order a hundred times at once is charged once, with the same answer")
  func idempotent() async throws {
    try await World.run { world in
      try await world.fund(anna, 50_000)
      let answers = try await withThrowingTaskGroup(of: ChargeOrderResponse.self) { group in
        for _ in 0..<100 { group.addTask { try await world.charge(anna, order: 1) } }
        return try await group.reduce(into: Set<ChargeOrderResponse>()) { $0.insert($1) }
      }
      #expect(answers.count == 1)
      #expect(try await world.balance(anna) == 50_000 - 12_960)
      world.clock.advance(by: .days(40))
      #expect(try await world.charge(anna, order: 1) == answers.first)
      let other = await failure { try await world.charge(anna, order: 1, net: 575) }
      #expect(other.code == .alreadyExists && other.reason == "ORDER_CHARGED_DIFFERENTLY")
      let elsewhere = await failure { try await world.charge(Member.admin(of: 2), order: 1) }
      #expect(elsewhere.reason == "ORDER_CHARGED_DIFFERENTLY")
    }
  }

  @Test("too little money names what is missing and changes nothing")
  func insufficient() async throws {
    try await World.run { world in
      try await world.fund(anna, 10_000)
      let error = await failure { try await world.charge(anna, order: 1) }
      #expect(error.code == .failedPrecondition && error.reason == "INSUFFICIENT_FUNDS")
      for amount in ["CHF 100.00", "CHF 129.60", "CHF 29.60"] {
        #expect(error.message.contains(amount))
      }
      guard case .errorInfo(let info)? = error.details.first else {
        Issue.record("no ErrorInfo")
        return
      }
      #expect(
        info.metadata == [
          "missing_minor_units": "2960", "currency_code": "CHF", "balance_minor_units": "10000",
          "total_minor_units": "12960",
        ])
      #expect(try await world.balance(anna) == 10_000)
      #expect(try await world.invoices(anna).listInvoices(ListInvoicesRequest()).invoices.isEmpty)
      #expect(try await world.count("SELECT COUNT(*) FROM invoice_series") == 0)
      #expect(try await world.count("SELECT COUNT(*) FROM billing_party") == 0)
      // The same charge succeeds after a top-up.
      try await world.fund(anna, 2960, request: "more")
      try await world.charge(anna, order: 1)
      #expect(try await world.balance(anna) == 0)
    }
  }

  @Test("concurrent charges never overdraw, and invoice numbers have no gap")
  func concurrent() async throws {
    try await World.run { world in
      // Each costs 129.60; ten of thirty are covered.
      try await world.fund(anna, 129_600 + 500)
      let paid = try await withThrowingTaskGroup(of: Bool.self) { group in
        for order in 1...30 {
          group.addTask {
            do {
              try await world.charge(anna, order: UInt64(order))
              return true
            } catch let error as RPCError where error.reason == "INSUFFICIENT_FUNDS" {
              return false
            }
          }
        }
        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(paid == 10)
      #expect(try await world.balance(anna) == 500)
      let invoices = try await world.invoices(anna).listInvoices(ListInvoicesRequest()).invoices
      let numbers = (1...10).reversed().map { "2026-0000\($0 < 10 ? "0" : "")\($0)" }
      #expect(invoices.map(\.number) == numbers)
    }
  }

  @Test("each year has its own series, shared by all organizations")
  func series() async throws {
    try await World.run { world in
      let bert = Member.admin(of: 2)
      try await world.fund(anna, 50_000)
      try await world.fund(bert, 50_000)
      try await world.charge(anna, order: 1)
      try await world.charge(bert, order: 2)
      world.clock.advance(by: .days(60))
      try await world.charge(anna, order: 3)
      let annas = try await world.invoices(anna).listInvoices(ListInvoicesRequest()).invoices
      #expect(annas.map(\.number) == ["2027-000001", "2026-000001"])
      let berts = try await world.invoices(bert).listInvoices(ListInvoicesRequest()).invoices
      #expect(berts.map(\.number) == ["2026-000002"])
    }
  }

  @Test("sums that do not follow from the lines name the field, and charge nothing")
  func mismatch() async throws {
    try await World.run { world in
      try await world.fund(anna, 50_000)
      let right = try world.chargeRequest(anna, order: 1)
      var total = right
      total.totals?.total?.minorUnits = 1
      var net = right
      net.lines[0].net?.minorUnits = 1
      var tax = right
      tax.totals?.taxLines[0].tax?.minorUnits = 970
      let cases: [(ChargeOrderRequest, String)] = [
        (total, "totals.total"), (net, "lines[0].tax"), (tax, "totals.tax_lines[0].tax"),
      ]
      for (request, field) in cases {
        let error = await failure { try await world.charges.chargeOrder(request) }
        #expect(error.code == .invalidArgument && error.fields.map(\.field) == [field])
      }
      var huge = right
      huge.lines[0].net?.minorUnits = .max
      let overflow = await failure { try await world.charges.chargeOrder(huge) }
      #expect(overflow.code == .invalidArgument)
      #expect(try await world.balance(anna) == 50_000)
    }
  }

  @Test("invoices come in pages, newest first, by state")
  func pages() async throws {
    try await World.run { world in
      try await world.fund(anna, 100_000)
      for order in 1...5 { try await world.charge(anna, order: UInt64(order), net: 1000) }
      var numbers: [String] = []
      var token = ""
      repeat {
        let page = try await world.invoices(anna).listInvoices(
          ListInvoicesRequest(state: .paid, pageSize: 2, pageToken: token))
        numbers += page.invoices.map(\.number)
        token = page.nextPageToken
      } while !token.isEmpty
      #expect(numbers == (1...5).reversed().map { "2026-00000\($0)" })
      let open = try await world.invoices(anna).listInvoices(ListInvoicesRequest(state: .open))
      #expect(open.invoices.isEmpty)
    }
  }

  @Test("an issued invoice is frozen")
  func frozen() async throws {
    try await World.run { world in
      try await world.fund(anna, 100_000)
      try await world.charge(anna, order: 1)
      for statement in [
        "UPDATE invoice SET total_minor = 1, net_minor = 1, tax_minor = 0, rounding_minor = 0",
        "UPDATE invoice SET recipient_town = 'x'", "UPDATE invoice SET state = 'OPEN'",
        "DELETE FROM invoice", "UPDATE invoice_line SET net_minor = 1",
        "DELETE FROM invoice_line",
      ] as [SQL] {
        await #expect(throws: SQLError.self) {
          try await world.database.write { _ = try $0.execute(statement) }
        }
      }
    }
  }

  @Test("what was done is in the organization's audit log")
  func audit() async throws {
    try await World.run { world in
      try await world.fund(anna, 100_000)
      try await world.charge(anna, order: 1)
      let actions = try await world.database.read { transaction in
        try AuditLog.page(of: id(1), limit: 10, in: transaction).map(\.record.action)
      }
      #expect(
        actions == ["invoice.issued", "order.charged", "top_up.settled", "top_up.created"])
    }
  }
}
