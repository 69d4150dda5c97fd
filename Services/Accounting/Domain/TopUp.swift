package import SharedDomain

/// A way to top up (ACC-2).
package enum TopUpMethod: String, Sendable, Hashable, CaseIterable {
  case card = "CARD"
}

/// Where a top-up stands (ACC-2).
package enum TopUpState: String, Sendable, Hashable, CaseIterable {
  /// Written down; the provider does not know of it yet.
  case created = "CREATED"
  /// Waits for the provider's report.
  case pending = "PENDING"
  /// Credited.
  case settled = "SETTLED"
  /// The provider refused.
  case failed = "FAILED"
  /// No report came in time; a late capture still credits.
  case expired = "EXPIRED"
}

/// The least and the greatest amount of a method in one currency (ACC-2).
package struct TopUpLimits: Sendable, Hashable {
  package let minimum: Money
  package let maximum: Money

  /// The limits of a method: 5.00 to 10 000.00.
  package init(of method: TopUpMethod, currency: Currency) {
    switch method {
    case .card:
      minimum = Money(minorUnits: 500, currency: currency)
      maximum = Money(minorUnits: 1_000_000, currency: currency)
    }
  }

  /// Throws `.topUpAmountOutOfRange` for an amount outside.
  package func check(_ amount: Money) throws(AccountingError) {
    guard (minimum.minorUnits...maximum.minorUnits).contains(amount.minorUnits) else {
      throw .topUpAmountOutOfRange(amount, minimum: minimum, maximum: maximum)
    }
  }
}

/// What a provider reports about a payment.
package enum ProviderEventKind: String, Sendable, Hashable, CaseIterable {
  case captured = "CAPTURED"
  case declined = "DECLINED"
}

/// What an event does to a top-up.
package enum TopUpOutcome: Sendable, Hashable {
  /// The money was taken: the top-up is settled and credited with this entry.
  case credited(TopUp, JournalEntry)
  /// The top-up changed, no money moved.
  case changed(TopUp)
  /// The event says nothing new.
  case unchanged
}

/// A top-up of the prepaid account (ACC-2).
package struct TopUp: Sendable, Hashable {
  package let id: TopUpID
  package let organizationID: OrganizationID
  package let userID: UserID
  package let amount: Money
  package let method: TopUpMethod
  package let provider: PaymentProvider
  /// What the provider calls the payment; unique at the provider.
  package let providerReference: String
  /// As recorded; ``state(at:)`` tells what holds at a moment.
  package var state: TopUpState
  package let createdAt: Instant
  package let expiresAt: Instant
  /// When it was credited.
  package var settledAt: Instant?

  /// How long a provider's report is awaited.
  package static let lifetime = Duration.hours(24)

  package init(
    id: TopUpID, organizationID: OrganizationID, userID: UserID, amount: Money,
    method: TopUpMethod, provider: PaymentProvider, providerReference: String, state: TopUpState,
    createdAt: Instant, expiresAt: Instant, settledAt: Instant?
  ) {
    self.id = id
    self.organizationID = organizationID
    self.userID = userID
    self.amount = amount
    self.method = method
    self.provider = provider
    self.providerReference = providerReference
    self.state = state
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.settledAt = settledAt
  }

  /// Begins a top-up. Throws `.topUpAmountOutOfRange`.
  package static func create(
    id: TopUpID, organizationID: OrganizationID, userID: UserID, amount: Money,
    method: TopUpMethod, provider: PaymentProvider, at now: Instant
  ) throws(AccountingError) -> TopUp {
    try TopUpLimits(of: method, currency: amount.currency).check(amount)
    return TopUp(
      id: id, organizationID: organizationID, userID: userID, amount: amount, method: method,
      provider: provider, providerReference: "\(provider.name)-\(id.text)", state: .created,
      createdAt: now, expiresAt: now.advanced(by: lifetime), settledAt: nil)
  }

  /// The provider knows of the payment now.
  package func submitted() -> TopUp {
    guard state == .created else { return self }
    var topUp = self
    topUp.state = .pending
    return topUp
  }

  /// The state at a moment: what waited until its time ran out has expired.
  package func state(at now: Instant) -> TopUpState {
    switch state {
    case .created, .pending: now < expiresAt ? state : .expired
    case .settled, .failed, .expired: state
    }
  }

  /// Takes a provider's report (ACC-2). Money taken is never lost: a capture credits a top-up that
  /// has expired, or that was declined before, too. A top-up is credited once.
  ///
  /// Throws `.eventAmountMismatch` where a capture reports another amount; a decline reports none.
  package func receiving(
    _ kind: ProviderEventKind, amount reported: Money, at now: Instant
  ) throws(AccountingError) -> TopUpOutcome {
    var topUp = self
    switch (kind, state(at: now)) {
    case (.captured, _) where reported != amount:
      throw .eventAmountMismatch(expected: amount, reported: reported)
    case (.captured, .created), (.captured, .pending), (.captured, .expired), (.captured, .failed):
      topUp.state = .settled
      topUp.settledAt = now
      return .credited(topUp, try JournalEntry.topUp(topUp))
    case (.declined, .created), (.declined, .pending):
      topUp.state = .failed
      return .changed(topUp)
    case (.captured, .settled), (.declined, .settled), (.declined, .failed), (.declined, .expired):
      return .unchanged
    }
  }

  /// Whether the sandbox may act as its card holder: the top-up waits, or had this very outcome.
  /// Throws `.topUpNotPending`.
  package func checkSandboxMayReport(
    _ kind: ProviderEventKind, at now: Instant
  ) throws(AccountingError) {
    switch (state(at: now), kind) {
    case (.created, _), (.pending, _), (.settled, .captured), (.failed, .declined): return
    case (let state, _): throw .topUpNotPending(state)
    }
  }
}
