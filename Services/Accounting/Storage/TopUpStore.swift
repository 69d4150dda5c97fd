package import AccountingDomain
package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// A provider's report, as it is kept.
package struct ProviderReport: Sendable, Hashable {
  package let provider: PaymentProvider
  package let eventID: String
  package let reference: String
  package let kind: ProviderEventKind
  package let amount: Money

  package init(
    provider: PaymentProvider, eventID: String, reference: String, kind: ProviderEventKind,
    amount: Money
  ) {
    self.provider = provider
    self.eventID = eventID
    self.reference = reference
    self.kind = kind
    self.amount = amount
  }
}

/// Top-ups and the providers' reports (ACC-2).
package enum TopUpStore {
  package static func insert(_ topUp: TopUp, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      INSERT INTO top_up (\(columns))
      VALUES (\(topUp.id), \(topUp.organizationID), \(topUp.userID), \(topUp.amount.minorUnits),
        \(topUp.amount.currency), \(topUp.method), \(topUp.provider), \(topUp.providerReference),
        \(topUp.state), \(topUp.createdAt), \(topUp.expiresAt), \(topUp.settledAt))
      """)
  }

  /// Writes down a new state.
  package static func update(_ topUp: TopUp, in transaction: any Transaction) throws {
    try transaction.execute(
      """
      UPDATE top_up SET state = \(topUp.state), settled_at_us = \(topUp.settledAt)
      WHERE top_up_id = \(topUp.id)
      """)
  }

  /// A top-up of the organization; nil when it has no such one.
  package static func find(
    _ id: TopUpID, of organizationID: OrganizationID, in transaction: any Transaction
  ) throws -> TopUp? {
    try transaction.first(
      """
      SELECT \(columns) FROM top_up
      WHERE top_up_id = \(id) AND organization_id = \(organizationID)
      """
    ).map(topUp)
  }

  /// The top-up that a provider knows by a reference.
  package static func find(
    _ provider: PaymentProvider, reference: String, in transaction: any Transaction
  ) throws -> TopUp? {
    try transaction.first(
      """
      SELECT \(columns) FROM top_up
      WHERE provider = \(provider) AND provider_reference = \(reference)
      """
    ).map(topUp)
  }

  /// Newest first: at most `limit` before the given one.
  package static func list(
    of organizationID: OrganizationID, before id: TopUpID?, limit: Int,
    in transaction: any Transaction
  ) throws -> [TopUp] {
    let older: SQL = if let id { "AND top_up_id < \(id)" } else { "" }
    return try transaction.rows(
      """
      SELECT \(columns) FROM top_up WHERE organization_id = \(organizationID) \(older)
      ORDER BY top_up_id DESC LIMIT \(limit)
      """
    ).map(topUp)
  }

  /// Keeps a report. False when it was kept before; throws `AccountingError.eventReused` when
  /// another report was kept under its id.
  package static func record(
    _ report: ProviderReport, at now: Instant, in transaction: any Transaction
  ) throws -> Bool {
    let inserted = try transaction.execute(
      """
      INSERT INTO provider_event
        (provider, event_id, provider_reference, kind, amount_minor, currency, received_at_us)
      VALUES (\(report.provider), \(report.eventID), \(report.reference), \(report.kind),
        \(report.amount.minorUnits), \(report.amount.currency), \(now))
      ON CONFLICT (provider, event_id) DO NOTHING
      """)
    if inserted > 0 { return true }
    let known = try transaction.first(
      """
      SELECT provider_reference, kind, amount_minor, currency FROM provider_event
      WHERE provider = \(report.provider) AND event_id = \(report.eventID)
      """)
    guard let known, try known.text("provider_reference") == report.reference,
      try known.read("kind", as: ProviderEventKind.self) == report.kind,
      try known.money("amount_minor", "currency") == report.amount
    else { throw AccountingError.eventReused(report.eventID) }
    return false
  }

  private static let columns: SQL = """
    top_up_id, organization_id, user_id, amount_minor, currency, method, provider,
    provider_reference, state, created_at_us, expires_at_us, settled_at_us
    """

  private static func topUp(_ row: Row) throws -> TopUp {
    TopUp(
      id: try row.read("top_up_id"), organizationID: try row.read("organization_id"),
      userID: try row.read("user_id"), amount: try row.money("amount_minor", "currency"),
      method: try row.read("method"), provider: try row.read("provider"),
      providerReference: try row.text("provider_reference"), state: try row.read("state"),
      createdAt: try row.instant("created_at_us"), expiresAt: try row.instant("expires_at_us"),
      settledAt: try row.optionalInstant("settled_at_us"))
  }
}
