import CommonAPI
import RPCCore
import RequestValidation
import SharedDomain
import ShopAPI
import Synchronization

/// The shop's part of renewals, in memory.
final class FakeShop: RenewalService {
  struct State {
    /// The products of each organization, with their next period.
    var renewals: [String: [Renewal]] = [:]
    /// The payments that were applied, and how often each was asked for.
    var applied: [String: Int] = [:]
    var isReachable = true
    var canApply = true
    var listCalls = 0
  }

  let state = Mutex(State())

  /// Something that can be renewed.
  static func renewal(
    _ product: UInt64, start: String, price: Int64 = 12_960, currency: String = "CHF",
    includesTax: Bool = true
  ) -> Renewal {
    let period = day(start)
    return Renewal(
      productID: (id(product) as ProductID).text, description: "Web hosting \(product)",
      periodStart: period.message, periodEnd: period.adding(months: 12).message, months: 12,
      price: CommonAPI.Money(currencyCode: currency, minorUnits: price),
      priceIncludesTax: includesTax, taxClass: .standard)
  }

  func offer(_ renewals: [Renewal], to organization: UInt64) {
    state.withLock { $0.renewals[(id(organization) as OrganizationID).text] = renewals }
  }

  func listRenewals(
    _ request: ListRenewalsRequest, context: ServerContext
  ) async throws -> ListRenewalsResponse {
    try state.withLock { state in
      guard state.isReachable else { throw RPCError(.unavailable, "no shop") }
      state.listCalls += 1
      let products = Set(request.productIDs)
      let end = request.endsBefore.flatMap { date($0) }
      let found = (state.renewals[request.organizationID] ?? []).filter { renewal in
        guard products.isEmpty || products.contains(renewal.productID) else { return false }
        guard let end, let start = renewal.periodStart.flatMap({ date($0) }) else { return true }
        return start < end
      }
      // Pages of three, to see that all are read.
      let offset = Int(request.pageToken) ?? 0
      let next = offset + 3
      return ListRenewalsResponse(
        renewals: Array(found.dropFirst(offset).prefix(3)),
        nextPageToken: next < found.count ? String(next) : "")
    }
  }

  func applyRenewals(
    _ request: ApplyRenewalsRequest, context: ServerContext
  ) async throws -> ApplyRenewalsResponse {
    try state.withLock { state in
      guard state.isReachable, state.canApply else { throw RPCError(.unavailable, "no shop") }
      state.applied[request.paymentID, default: 0] += 1
      guard state.applied[request.paymentID] == 1 else { return ApplyRenewalsResponse() }
      let paid = Set(request.renewals.map(\.productID))
      state.renewals[request.organizationID] = (state.renewals[request.organizationID] ?? []).map {
        guard paid.contains($0.productID), let start = $0.periodEnd.flatMap({ date($0) }) else {
          return $0
        }
        var next = $0
        next.periodStart = start.message
        next.periodEnd = start.adding(months: 12).message
        return next
      }
      return ApplyRenewalsResponse()
    }
  }

  private func date(_ message: CommonAPI.Date) -> CalendarDate? {
    CalendarDate(year: Int(message.year), month: Int(message.month), day: Int(message.day))
  }
}
