import AccountingAPI
import CommonAPI
import GoogleAPI
import RPCCore
import RequestValidation
import SharedDomain
import Synchronization

/// Stands in for accounting's ChargeService: charges each order once, as the real one does, and
/// fails as it is told.
final class FakeAccounting: ChargeService, Sendable {
  /// What the next questions come to.
  enum Mode: Sendable {
    case pays
    /// Refuses for want of so many minor units.
    case refuses(missing: Int64)
    /// Answers this without having charged.
    case fails(RPCError)
    /// Charges, and then the answer is lost.
    case losesAnswer
  }

  private struct State {
    var mode = Mode.pays
    var charges: [String: (request: ChargeOrderRequest, response: ChargeOrderResponse)] = [:]
    var questions: [ChargeOrderRequest] = []
    var next: UInt64 = 0
    var gate: [CheckedContinuation<Void, Never>]?
    var onQuestion: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  private let clock: any WallClock

  init(clock: any WallClock) {
    self.clock = clock
  }

  func set(_ mode: Mode) { state.withLock { $0.mode = mode } }

  /// The charges that were made.
  var charges: [ChargeOrderRequest] { state.withLock { $0.charges.values.map(\.request) } }
  /// Every question that was asked.
  var questions: [ChargeOrderRequest] { state.withLock { $0.questions } }

  /// Lets questions wait until `open()`; `arrived` is called for each.
  func hold(arrived: @escaping @Sendable () -> Void) {
    state.withLock {
      $0.gate = []
      $0.onQuestion = arrived
    }
  }

  func open() {
    let waiting = state.withLock { state in
      defer { state.gate = nil }
      return state.gate ?? []
    }
    for continuation in waiting { continuation.resume() }
  }

  func chargeOrder(
    _ request: ChargeOrderRequest, context: ServerContext
  ) async throws -> ChargeOrderResponse {
    state.withLock {
      $0.questions.append(request)
      return $0.onQuestion
    }?()
    await withCheckedContinuation { continuation in
      let isHeld = state.withLock { state in
        guard state.gate != nil else { return false }
        state.gate?.append(continuation)
        return true
      }
      if !isHeld { continuation.resume() }
    }
    return try state.withLock { state in
      let (mode, earlier) = (state.mode, state.charges[request.orderID])
      if case .fails(let error) = mode { throw error }
      if let earlier {
        guard earlier.request == request else {
          throw RPCError(.alreadyExists, reason: "ORDER_CHARGED_DIFFERENTLY", "another charge")
        }
      } else {
        if case .refuses(let missing) = mode {
          throw RPCError(
            .failedPrecondition, reason: "INSUFFICIENT_FUNDS", "the balance does not suffice",
            metadata: ["missing_minor_units": String(missing), "currency_code": "CHF"])
        }
        state.next += 1
        let invoiceID: InvoiceID = id(1_000 + state.next)
        state.charges[request.orderID] = (
          request,
          ChargeOrderResponse(invoiceID: invoiceID.text, payTime: clock.now().timestamp)
        )
      }
      if case .losesAnswer = mode { throw RPCError(.unavailable, "the connection broke") }
      guard let charge = state.charges[request.orderID] else {
        throw RPCError(.internalError, "no charge")
      }
      return charge.response
    }
  }
}
