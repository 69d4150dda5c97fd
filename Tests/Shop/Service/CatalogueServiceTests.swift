import CommonAPI
import RPCCore
import RequestValidation
import SharedDomain
import ShopAPI
import ShopDomain
import ShopService
import TestSupport
import Testing

@Suite("The public price list", .onEachDriver)
struct CatalogueServiceTests {
  @Test("Everybody reads the catalogue, by category and in pages")
  func lists() async throws {
    let bench = try await ShopBench(catalogue: StandardCatalogue.text)
    let client = bench.anonymous().catalogue
    let head = try await client.getCatalogue(GetCatalogueRequest())
    #expect(head.currencyCodes == ["CHF", "EUR"])
    #expect(head.pricesIncludeTax)
    #expect(head.version == bench.catalogue.version)
    #expect(head.termsVersion == bench.catalogue.termsVersion)

    var types: [ShopAPI.ProductType] = []
    var request = ListProductTypesRequest(pageSize: 5)
    repeat {
      let page = try await client.listProductTypes(request)
      types += page.productTypes
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty
    #expect(types.map(\.productTypeID) == bench.catalogue.productTypes.map(\.id.text))
    let tools = try await client.listProductTypes(ListProductTypesRequest(category: .tools))
    #expect(!tools.productTypes.isEmpty)
    #expect(tools.productTypes.allSatisfy { $0.category == .tools })
  }

  @Test("Plans are filtered by type and currency; what is sold no more is not shown")
  func plans() async throws {
    let bench = try await ShopBench()
    let client = bench.anonymous().catalogue
    let all = try await client.listPlans(ListPlansRequest())
    #expect(all.plans.map(\.planID) == ["hosting-start", "domain-ch", "free-mail-personal"])
    #expect(all.plans[0].prices.count == 4)
    let some = try await client.listPlans(
      ListPlansRequest(productTypeID: "web-hosting", currencyCode: "EUR"))
    #expect(some.plans.map(\.planID) == ["hosting-start"])
    #expect(some.plans[0].prices.map(\.months) == [1, 12])
    #expect(some.plans[0].prices.allSatisfy { $0.amount?.currencyCode == "EUR" })
  }

  @Test("A quote has tax lines and a rounding line (ACC-9), and orders nothing")
  func quote() async throws {
    let bench = try await ShopBench()
    let quote = try await bench.anonymous().catalogue.quoteOrder(
      QuoteOrderRequest(
        lines: [
          ShopClient.hosting, OrderLine(planID: "domain-ch", months: 12, domainName: "Abc.CH"),
        ], currencyCode: "CHF")
    ).quote
    #expect(quote?.catalogueVersion == "net-1")
    #expect(quote?.lines.map(\.domainName) == ["", "abc.ch"])
    // 119.88 + 12.90 = 132.78; 9.71 + 1.04 = 10.75; 143.53 is 143.55.
    #expect(
      quote?.totals
        == Totals(
          net: chf(13_278).message,
          taxLines: [
            CommonAPI.TaxLine(
              rateBasisPoints: 810, net: chf(13_278).message, tax: chf(1075).message)
          ], tax: chf(1075).message, rounding: chf(2).message, total: chf(14_355).message))
  }
}

@Suite("Loading the catalogue", .onEachDriver)
struct CatalogueLoaderTests {
  @Test("A changed file under a stored version is refused; a new version is taken")
  func versions() async throws {
    let bench = try await ShopBench()
    _ = try await CatalogueLoader.load(
      netCatalogueText, into: bench.database, clock: bench.clock)
    let changed = netCatalogueText.replacing("119.88", with: "120.00")
    let error = await #expect(throws: CatalogueConflict.self) {
      try await CatalogueLoader.load(changed, into: bench.database, clock: bench.clock)
    }
    #expect(error?.description.contains("version is still net-1") == true)
    _ = try await CatalogueLoader.load(
      changed.replacing("net-1", with: "net-2"), into: bench.database, clock: bench.clock)
  }

  @Test("A price that products renew at cannot be taken out")
  func missingPrice() async throws {
    let bench = try await ShopBench()
    let admin = try bench.member(1, of: 2)
    _ = try await admin.pay(try await admin.place().orderID)
    let without = netCatalogueText.replacing("net-1", with: "net-2")
      .replacing("hosting-start", with: "hosting-new")
    let error = await #expect(throws: CatalogueConflict.self) {
      try await CatalogueLoader.load(without, into: bench.database, clock: bench.clock)
    }
    #expect(error?.description.contains("hosting-start in CHF for 12 months") == true)
    // When the product is over, nothing needs the price any more.
    bench.clock.advance(by: .days(500))
    _ = try await CatalogueLoader.load(without, into: bench.database, clock: bench.clock)
  }
}
