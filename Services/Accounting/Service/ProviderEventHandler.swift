internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import Cryptography
internal import Logging
internal import Messages
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// Where payment providers report; the signature is the proof (ACC-2).
struct ProviderEventHandler: ProviderEventService {
  let books: Books

  /// Payloads of more bytes are refused unread.
  static let maximumPayloadBytes = 16 * 1024

  func deliverProviderEvent(
    _ request: DeliverProviderEventRequest, context: ServerContext
  ) async throws -> DeliverProviderEventResponse {
    let provider = try verify(request)
    let report = try read(request.payload, from: provider)
    let now = books.clock.now()
    let entryID: LedgerEntryID = books.identifiers.next()
    do {
      let isNew = try await books.write { transaction in
        try take(report, at: now, entryID: entryID, in: transaction)
      }
      if !isNew {
        books.logger.info("a provider's event changed nothing", metadata: metadata(report))
      }
    } catch let error as RPCError where error.reason != nil {
      books.logger.warning(
        "a provider's event was refused",
        metadata: metadata(report).merging(["reason": "\(error.reason ?? "")"]) { $1 })
      throw error
    }
    return DeliverProviderEventResponse()
  }

  /// The provider that signed the payload. One answer for whatever is wrong, so that nobody learns
  /// which providers are configured.
  private func verify(
    _ request: DeliverProviderEventRequest
  ) throws -> AccountingDomain.PaymentProvider {
    guard request.payload.count <= Self.maximumPayloadBytes,
      let provider = PaymentProvider(name: request.provider),
      let key = books.settings.providerKeys[provider],
      HMACSHA256.isValid(request.signature, for: request.payload, key: key)
    else {
      books.logger.warning("an event without a valid signature was refused")
      throw RPCError(
        .unauthenticated, reason: "EVENT_SIGNATURE_INVALID",
        "the event is not signed by a configured provider: expected an HMAC-SHA-256 of the payload"
      )
    }
    return provider
  }

  private func read(
    _ payload: [UInt8], from provider: AccountingDomain.PaymentProvider
  ) throws -> ProviderReport {
    var checks = FieldChecks()
    let decoded = try? ProviderEvent(serialized: payload)
    if decoded == nil { checks.fail("payload", "is no serialized ProviderEvent") }
    let event = try checks.values(decoded)
    let eventID = checks.text(event.eventID, "payload.event_id", 1...128)
    let reference = checks.text(event.providerReference, "payload.provider_reference", 1...128)
    let known = AccountingDomain.ProviderEventKind(event.kind)
    if known == nil { checks.fail("payload.kind", "is unknown; expected CAPTURED or DECLINED") }
    // A decline reports no amount.
    let reported =
      known == .declined && event.amount == nil
      ? Money.zero(.chf) : checks.money(event.amount, "payload.amount", positive: false)
    let (kind, amount) = try checks.values(known, reported)
    return ProviderReport(
      provider: provider, eventID: eventID, reference: reference, kind: kind, amount: amount)
  }

  /// Takes one report, all in one transaction. False where it says nothing new.
  private func take(
    _ report: ProviderReport, at now: Instant, entryID: LedgerEntryID,
    in transaction: any Transaction
  ) throws -> Bool {
    let found = try TopUpStore.find(
      report.provider, reference: report.reference, in: transaction)
    guard let found else { throw AccountingError.providerReferenceUnknown(report.reference) }
    guard try TopUpStore.record(report, at: now, in: transaction) else { return false }
    switch try found.receiving(report.kind, amount: report.amount, at: now) {
    case .unchanged:
      return false
    case .changed(let topUp):
      try TopUpStore.update(topUp, in: transaction)
    case .credited(let topUp, let entry):
      try TopUpStore.update(topUp, in: transaction)
      try LedgerStore.post(
        entry, id: entryID, organizationID: topUp.organizationID, at: now, digest: Books.digest,
        in: transaction)
      try books.record(
        .topUpSettled, of: topUp.organizationID, by: "provider:\(report.provider.name)",
        target: "top_up:\(topUp.id.text)", at: now, source: nil,
        fields: [
          .plain("amount", after: topUp.amount.description),
          .plain("event", after: report.eventID),
        ], in: transaction)
    }
    return true
  }

  private func metadata(_ report: ProviderReport) -> Logger.Metadata {
    [
      "provider": "\(report.provider.name)", "event": "\(report.eventID)",
      "reference": "\(report.reference)", "kind": "\(report.kind.rawValue)",
      "amount": "\(report.amount)",
    ]
  }
}

extension AccountingDomain.ProviderEventKind {
  fileprivate init?(_ message: AccountingAPI.ProviderEventKind) {
    switch message {
    case .captured: self = .captured
    case .declined: self = .declined
    case .unspecified, .unrecognized: return nil
    }
  }
}
