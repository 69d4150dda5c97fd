import CommonAPI
import Messages
import OrganizationsAPI
import RPCCore
import SharedDomain
import ShopAPI
import Synchronization

/// Organizations and shop as identity meets them: idempotent, and absent when a test says so.
final class FakePeers: ClientChannel {
  struct State {
    var isAway = false
    /// Answers that get lost after the effect, for each method's name.
    var lostAnswers: [String: Int] = [:]
    var organizations: [String: CreateOrganizationRequest] = [:]
    var orders: [String: CreateOrderRequest] = [:]
    var calls: [String: Int] = [:]
    /// Organizations that each user belongs to.
    var memberships: [String: Set<String>] = [:]
    /// Organizations that were deleted; their members stay in the books.
    var deleted: Set<String> = []
    var terms = "2026-11"
  }

  let state = Mutex(State())

  func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
  var snapshot: State { state.withLock { $0 } }

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    let answer = try state.withLock { state throws -> [UInt8] in
      state.calls[method.name, default: 0] += 1
      guard !state.isAway else { throw RPCError(.unavailable, "the peer is away") }
      let bytes = try Self.answer(method, request, &state)
      if let lost = state.lostAnswers[method.name], lost > 0 {
        state.lostAnswers[method.name] = lost - 1
        throw RPCError(.unavailable, "the answer got lost")
      }
      return bytes
    }
    return RawResponse(message: answer)
  }

  func close() async {}

  private static func answer(
    _ method: MethodDescriptor, _ request: [UInt8], _ state: inout State
  ) throws -> [UInt8] {
    switch method {
    case CatalogueServiceMethods.getCatalogue:
      return try GetCatalogueResponse(
        version: "1", currencyCodes: ["CHF"], pricesIncludeTax: true, termsVersion: state.terms
      ).serialized()
    case CatalogueServiceMethods.quoteOrder:
      return try quote(QuoteOrderRequest(serialized: request)).serialized()
    case OrganizationProvisioningServiceMethods.createOrganization:
      let request = try CreateOrganizationRequest(serialized: request)
      if let before = state.organizations[request.requestID], before != request {
        throw RPCError(.alreadyExists, reason: "IDEMPOTENCY_KEY_REUSED", "another request")
      }
      state.organizations[request.requestID] = request
      let id = identifier(1, of: request.requestID)
      state.memberships[request.userID, default: []].insert(id)
      return try CreateOrganizationResponse(
        organization: Organization(organizationID: id)
      ).serialized()
    case OrderIntakeServiceMethods.createOrder:
      let request = try CreateOrderRequest(serialized: request)
      if let before = state.orders[request.requestID], before != request {
        throw RPCError(.alreadyExists, reason: "IDEMPOTENCY_KEY_REUSED", "another request")
      }
      state.orders[request.requestID] = request
      return try CreateOrderResponse(
        order: Order(orderID: identifier(2, of: request.requestID))
      ).serialized()
    case AccessServiceMethods.checkAccess:
      let request = try CheckAccessRequest(serialized: request)
      let isMember =
        state.memberships[request.userID]?.contains(request.organizationID) ?? false
      return try CheckAccessResponse(
        sessionActive: true,
        membership: isMember ? OrganizationsAPI.Membership(role: .admin, version: 1) : nil,
        organizationState: !isMember
          ? .unspecified : state.deleted.contains(request.organizationID) ? .deleted : .active
      ).serialized()
    default: throw RPCError(.unimplemented, "no \(method.path)")
    }
  }

  private static func quote(_ request: QuoteOrderRequest) throws -> QuoteOrderResponse {
    var fields: [FieldViolation] = []
    if request.currencyCode != "CHF" {
      fields.append(FieldViolation(field: "currency_code", description: "has no prices"))
    }
    for (index, line) in request.lines.enumerated() where line.planID != "web-hosting-start" {
      fields.append(
        FieldViolation(field: "lines[\(index)].plan_id", description: "names no plan"))
    }
    guard fields.isEmpty else {
      throw RPCError(.invalidArgument, reason: "INVALID_REQUEST", "no such order", fields: fields)
    }
    return QuoteOrderResponse(
      quote: Quote(
        lines: request.lines.map {
          QuoteLine(planID: $0.planID, months: $0.months, domainName: $0.domainName)
        },
        catalogueVersion: "1"))
  }

  /// An id that depends on the request id alone.
  private static func identifier(_ kind: UInt64, of requestID: String) -> String {
    let seed = requestID.utf8.reduce(UInt64(14_695_981_039_346_656_037)) {
      ($0 ^ UInt64($1)) &* 1_099_511_628_211
    }
    return UniqueID(at: Instant(microseconds: 0), random: kind, moreRandom: seed).text
  }
}
