internal import AccountingDomain
internal import AccountingStorage
internal import Cryptography
internal import Logging
internal import Messages
internal import RPCCore
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// What the handlers share: the database, the clock, ids and settings, and the postings that more
/// than one of them makes.
struct Books: Sendable {
  let database: any Database
  let clock: any WallClock
  let identifiers: IdentifierGenerator
  let operations: OperationStore
  let settings: AccountingSettings
  let logger: Logger

  /// The digest that chains the entries: SHA-256 (ACC-1).
  static let digest: LedgerDigest = { SHA256.hash($0) }

  /// Runs a body on a snapshot; the domain's errors become statuses.
  func read<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await translating { try await database.read(body) }
  }

  /// Runs a body in one transaction; the domain's errors become statuses.
  func write<Result: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> Result
  ) async throws -> Result {
    try await translating { try await database.write(body) }
  }

  /// The ids of a sale, made before its transaction, so that a body that runs again has the same.
  struct SaleIdentifiers: Sendable {
    let entryID: LedgerEntryID
    let invoiceID: InvoiceID
  }

  func saleIdentifiers() -> SaleIdentifiers {
    SaleIdentifiers(entryID: identifiers.next(), invoiceID: identifiers.next())
  }

  /// Sells from the prepaid account: gives the invoice its number, posts the entry and freezes the
  /// invoice, paid. Throws `AccountingError.insufficientFunds`, with nothing changed once the
  /// transaction has rolled back (ACC-2, ACC-8).
  func sell(
    _ draft: InvoiceDraft, identifiers: SaleIdentifiers, at now: Instant,
    in transaction: any Transaction,
    entry: (PrepaidBalance, InvoiceNumber) throws -> JournalEntry?
  ) throws -> Invoice {
    let today = clock.localDate(now)
    let total = draft.totals.total
    let balance = try LedgerStore.balance(draft.organizationID, total.currency, in: transaction)
    let number = try InvoiceStore.nextNumber(year: today.year, in: transaction)
    if let journal = try entry(balance, number) {
      do {
        try LedgerStore.post(
          journal, id: identifiers.entryID, organizationID: draft.organizationID, at: now,
          digest: Self.digest, in: transaction)
      } catch let error where LedgerStore.isOverdraft(error) {
        throw AccountingError.insufficientFunds(balance: try balance.total(), total: total)
      }
    }
    let invoice = draft.issuedPaid(
      id: identifiers.invoiceID, number: number, on: today, by: settings.supplier)
    try InvoiceStore.insert(invoice, at: now, in: transaction)
    return invoice
  }

  /// Runs a body and turns the domain's errors into statuses; other errors pass.
  func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as AccountingError {
      throw RPCError(error)
    }
  }
}

/// A member who calls for the active organization.
struct Caller: Sendable {
  let userID: UserID
  let organizationID: OrganizationID

  /// The scope of the caller's idempotency keys: what was done for one organization is never
  /// replayed in another.
  var scope: String { "user:\(userID.text):\(organizationID.text)" }

  /// How the audit log names the caller.
  var actor: String { "user:\(userID.text)" }
}

extension ServerContext {
  /// The caller that the interceptor has authorized.
  func caller() throws -> Caller {
    guard let principal, let organizationID = principal.organizationID else {
      throw RPCError(
        .unauthenticated, reason: "TOKEN_MISSING", "sign in and choose an organization first")
    }
    return Caller(userID: principal.userID, organizationID: organizationID)
  }
}

extension OperationStore {
  private struct NotSaved: Error {}

  /// The answer that was saved for an operation; nil when it was not carried out. Throws where its
  /// key was used for another request.
  func answer<Response: Message>(
    to operation: Operation, as type: Response.Type
  ) async throws -> Response? {
    do {
      return try await run(operation) { _ throws -> Response in throw NotSaved() }
    } catch is NotSaved {
      return nil
    }
  }
}
