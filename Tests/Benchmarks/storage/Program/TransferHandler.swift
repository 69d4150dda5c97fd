internal import AccountingAPI
internal import AccountingDomain
internal import AccountingStorage
internal import Cryptography
internal import RPCCore
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// What a transfer does besides moving two balances and writing an entry.
struct TransferParts: OptionSet, Sendable {
  let rawValue: Int

  /// The accounting service's books: postings, a hash-chained entry, the head and the statement's
  /// line in place of one plain row.
  static let books = TransferParts(rawValue: 1)
  /// The request id is looked up and the answer saved.
  static let idempotency = TransferParts(rawValue: 2)
  /// An entry in the organization's audit log.
  static let audit = TransferParts(rawValue: 4)
  /// A message in the outbox.
  static let outbox = TransferParts(rawValue: 8)

  static let all: TransferParts = [.books, .idempotency, .audit, .outbox]

  init(rawValue: Int) {
    self.rawValue = rawValue
  }

  /// The parts with these names; all for none.
  init(named names: some Collection<String>) {
    let known = [
      "books": TransferParts.books, "idempotency": .idempotency, "audit": .audit, "outbox": .outbox,
    ]
    self = names.isEmpty ? .all : TransferParts(names.compactMap { known[$0] })
  }
}

/// A transfer as the accounting service makes one: one call, one transaction.
struct TransferHandler: ChargeService {
  let database: any Database
  let parts: TransferParts
  let operations: OperationStore
  let identifiers: IdentifierGenerator
  let clock: any WallClock

  init(_ database: any Database, parts: TransferParts, clock: any WallClock) {
    self.database = database
    self.parts = parts
    self.clock = clock
    identifiers = IdentifierGenerator(clock: clock)
    operations = OperationStore(
      database: database, clock: clock, hashKey: [UInt8](repeating: 7, count: 32))
  }

  /// The plain table that stands for the books when they are switched off.
  static let migration = Migration(
    number: 900, name: "create_plain_transfer",
    sqlite: """
      CREATE TABLE plain_balance (
        organization_id TEXT NOT NULL, account TEXT NOT NULL, amount_minor INTEGER NOT NULL,
        PRIMARY KEY (organization_id, account)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE plain_transfer (
        id TEXT NOT NULL PRIMARY KEY, organization_id TEXT NOT NULL, amount_minor INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      """,
    postgres: """
      CREATE TABLE plain_balance (
        organization_id text NOT NULL, account text NOT NULL, amount_minor bigint NOT NULL,
        PRIMARY KEY (organization_id, account)
      );
      CREATE TABLE plain_transfer (
        id text NOT NULL PRIMARY KEY, organization_id text NOT NULL, amount_minor bigint NOT NULL
      );
      """)

  /// The request's `order_id` is the request id, `organization_id` whose books are moved.
  func chargeOrder(
    _ request: ChargeOrderRequest, context: ServerContext
  ) async throws -> ChargeOrderResponse {
    guard let organizationID = OrganizationID(request.organizationID) else {
      throw RPCError(.invalidArgument, "organization_id")
    }
    let transfer = transfer(of: organizationID)
    let body: @Sendable (any Transaction) throws -> ChargeOrderResponse = { transaction in
      try make(transfer, in: transaction)
      return ChargeOrderResponse(invoiceID: transfer.entryID.text)
    }
    guard parts.contains(.idempotency) else { return try await database.write(body) }
    let operation = try operations.operation(
      scope: "service:benchmark", method: ChargeServiceMethods.chargeOrder,
      requestID: request.orderID, request: request)
    return try await operations.run(operation, body)
  }

  /// What a transfer is made of before its transaction, which may run more than once.
  struct Transfer: Sendable {
    let organizationID: OrganizationID
    let entryID: LedgerEntryID
    let auditID: UniqueID
    let messageID: UniqueID
    let now: Instant
  }

  func transfer(of organizationID: OrganizationID) -> Transfer {
    Transfer(
      organizationID: organizationID, entryID: identifiers.next(), auditID: identifiers.next(),
      messageID: identifiers.next(), now: clock.now())
  }

  /// All parts but the saved answer.
  func make(_ transfer: Transfer, in transaction: any Transaction) throws {
    let entryID = transfer.entryID
    try move(transfer.organizationID, entryID, at: transfer.now, in: transaction)
    if parts.contains(.audit) {
      try AuditLog().append(
        AuditRecord(
          id: transfer.auditID, organizationID: transfer.organizationID, at: transfer.now,
          actor: "service:benchmark", action: "transfer.made", target: "entry:\(entryID.text)",
          source: nil, fields: [.plain("amount", after: "1.00")]), in: transaction)
    }
    if parts.contains(.outbox) {
      try Outbox.append(
        OutboxMessage(
          id: transfer.messageID, topic: "transfer.made", aggregateID: "entry:\(entryID.text)",
          payload: [UInt8](repeating: 1, count: 64), createdAt: transfer.now), in: transaction)
    }
  }

  private func move(
    _ organizationID: OrganizationID, _ entryID: LedgerEntryID, at now: Instant,
    in transaction: any Transaction
  ) throws {
    if parts.contains(.books) {
      let entry = try JournalEntry(
        kind: .topUp, reference: entryID.value, description: "Transfer", currency: .chf,
        postings: [
          Posting(.clearing(.sandbox), minorUnits: 100),
          Posting(.prepaidDeposits, minorUnits: -100),
        ])
      try LedgerStore.post(
        entry, id: entryID, organizationID: organizationID, at: now, digest: { SHA256.hash($0) },
        in: transaction)
      return
    }
    for (account, amount) in [("clearing", 100), ("prepaid", -100)] {
      let changed = try transaction.execute(
        """
        UPDATE plain_balance SET amount_minor = amount_minor + \(amount)
        WHERE organization_id = \(organizationID) AND account = \(account)
        """)
      if changed == 0 {
        try transaction.execute(
          """
          INSERT INTO plain_balance (organization_id, account, amount_minor)
          VALUES (\(organizationID), \(account), \(amount))
          """)
      }
    }
    try transaction.execute(
      """
      INSERT INTO plain_transfer (id, organization_id, amount_minor)
      VALUES (\(entryID), \(organizationID), 100)
      """)
  }
}
