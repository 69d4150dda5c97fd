import AccountingAPI
import IdentityAPI
import OrganizationsAPI
import RPCCore
import ShopAPI
import Testing

@testable import GatewayProxy

@Suite("Routes")
struct RouteTableTests {
  @Test("the published services, and no others, are routed to their backends")
  func publishedServices() {
    #expect(
      RouteTable.published.services(of: .identity) == [
        "kontor.identity.v1.SessionService", "kontor.identity.v1.SignUpService",
        "kontor.identity.v1.UserService",
      ])
    #expect(
      RouteTable.published.services(of: .organizations) == [
        "kontor.organizations.v1.OrganizationService"
      ])
    #expect(
      RouteTable.published.services(of: .shop) == [
        "kontor.shop.v1.CatalogueService", "kontor.shop.v1.OrderService",
        "kontor.shop.v1.ProductService",
      ])
    #expect(
      RouteTable.published.services(of: .accounting) == [
        "kontor.accounting.v1.DueListService", "kontor.accounting.v1.InvoiceService",
        "kontor.accounting.v1.PrepaidService", "kontor.accounting.v1.ProviderEventService",
        "kontor.accounting.v1.SandboxCardService", "kontor.accounting.v1.TopUpService",
      ])
  }

  @Test("every routed method reaches its backend with the bytes it came with")
  func everyRoute() async throws {
    let backends = FakeBackends()
    let proxy = backends.proxy()
    for route in RouteTable.published.all {
      let before = backends.totalCalls
      let bytes = Array(route.method.path.utf8)
      let answer = try await proxy.handle(
        method: route.method.path, request: bytes, context: clientContext(route.method.path))
      #expect(answer.message == bytes)
      let call = try #require(backends[route.backend].calls.last)
      #expect(call.method == route.method)
      #expect(call.request == bytes)
      #expect(backends.totalCalls == before + 1)
    }
  }

  @Test(
    "internal services look as if they did not exist",
    arguments: [
      OrganizationProvisioningServiceMethods.all, AccessServiceMethods.all,
      SessionVerificationServiceMethods.all, OrderIntakeServiceMethods.all,
      RenewalServiceMethods.all, ChargeServiceMethods.all,
    ])
  func internalServices(methods: [MethodDescriptor]) async throws {
    let backends = FakeBackends()
    let proxy = backends.proxy()
    for method in methods {
      let path = "/\(method.service)/\(method.name)"
      let invented = "/kontor.invented.v1.Service/\(method.name)"
      let refusal = try await refusal(proxy, path)
      var expected = try await self.refusal(proxy, invented)
      #expect(refusal.code == .unimplemented)
      // The same answer as for what was never there, but for the path.
      expected.message = expected.message.replacingPath(invented, by: path)
      #expect(refusal.message == expected.message)
      #expect(refusal.details == expected.details)
    }
    #expect(backends.totalCalls == 0)
  }

  @Test(
    "paths near a routed one are not routed",
    arguments: [
      "/kontor.shop.v1.OrderService/getorder", "/kontor.shop.v1.OrderService/GetOrder/",
      "/kontor.shop.v1.orderservice/GetOrder", "/kontor.shop.v1.OrderService/GetOrder?x=1",
      "//kontor.shop.v1.OrderService/GetOrder", "/kontor.shop.v1.OrderService/", "/", "",
    ])
  func nearMisses(path: String) async throws {
    let backends = FakeBackends()
    #expect(try await refusal(backends.proxy(), path).code == .unimplemented)
    #expect(backends.totalCalls == 0)
  }

  private func refusal(_ proxy: GatewayProxy, _ path: String) async throws -> RPCError {
    try #require(
      await #expect(throws: RPCError.self) {
        try await proxy.handle(
          method: path, request: [], context: clientContext("/a.Service/Method"))
      })
  }
}

extension String {
  fileprivate func replacingPath(_ old: String, by new: String) -> String {
    guard let range = firstRange(of: old) else { return self }
    return replacingCharacters(in: range, with: new)
  }

  private func firstRange(of text: String) -> Range<String.Index>? {
    for start in indices where self[start...].hasPrefix(text) {
      return start..<index(start, offsetBy: text.count)
    }
    return nil
  }

  private func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
