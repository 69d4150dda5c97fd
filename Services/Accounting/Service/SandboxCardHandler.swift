internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import Cryptography
internal import Messages
internal import RPCCore
internal import RequestValidation
internal import SharedDomain

/// A card provider that moves no money, for development and tests: off unless configured (ACC-2).
struct SandboxCardHandler: SandboxCardService {
  let books: Books

  func completeCardPayment(
    _ request: CompleteCardPaymentRequest, context: ServerContext
  ) async throws -> CompleteCardPaymentResponse {
    guard books.settings.isSandboxEnabled, let key = books.settings.providerKeys[.sandbox] else {
      throw RPCError(
        .unimplemented, reason: "SANDBOX_DISABLED",
        "the sandbox provider is off: it is switched on with sandbox.enabled, for development")
    }
    var checks = FieldChecks()
    let reference = checks.text(request.providerReference, "provider_reference", 1...128)
    let paid = checks.money(request.amount, "amount", positive: false)
    let amount = try checks.values(paid)
    let kind = request.decline ? AccountingDomain.ProviderEventKind.declined : .captured
    let now = books.clock.now()
    try await books.read { transaction in
      guard let topUp = try TopUpStore.find(.sandbox, reference: reference, in: transaction) else {
        throw AccountingError.providerReferenceUnknown(reference)
      }
      guard topUp.amount == amount else {
        throw AccountingError.eventAmountMismatch(expected: topUp.amount, reported: amount)
      }
      try topUp.checkSandboxMayReport(kind, at: now)
    }
    let event = Self.event(reference, kind, amount, at: now)
    let payload = try event.serialized()
    return CompleteCardPaymentResponse(
      payload: payload, signature: HMACSHA256.code(for: payload, key: key))
  }

  /// The event of an outcome; the same reference and outcome have the same event id.
  private static func event(
    _ reference: String, _ kind: AccountingDomain.ProviderEventKind, _ amount: Money,
    at now: Instant
  ) -> ProviderEvent {
    let digest = SHA256.hash("sandbox event \(kind.rawValue) \(reference)")
    return ProviderEvent(
      eventID: "sandbox-\(Hex.encode(Array(digest.prefix(16))))", providerReference: reference,
      kind: kind == .captured ? .captured : .declined, amount: amount.message,
      createTime: now.timestamp)
  }
}
