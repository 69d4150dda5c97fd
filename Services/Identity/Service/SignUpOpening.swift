internal import IdentityDomain
internal import IdentityStorage
internal import Messages
internal import OrganizationsAPI
internal import RPCCore
internal import RequestValidation
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain
internal import ShopAPI

/// Makes the organization and the order of a confirmed sign-up (ORG-1).
///
/// Each step is idempotent by a key made from the sign-up's id, and its outcome is written before
/// the next begins: a process that dies anywhere goes on there, and nothing is made twice. The
/// relay repeats it with back-off until it is done.
struct SignUpOpening: Sendable {
  static let topic = "sign-up.opening"
  /// How long one answer of a peer is awaited.
  static let peerTimeout = Duration.seconds(10)

  let core: IdentityCore
  let provisioning: OrganizationProvisioningServiceClient
  let orders: OrderIntakeServiceClient

  /// Orders the opening, in the transaction that makes the user. The message has the sign-up's id,
  /// so that whoever knows the sign-up can drive it on.
  static func enqueue(
    _ id: SignUpID, at now: Instant, in transaction: any Transaction
  ) throws {
    try Outbox.append(
      OutboxMessage(
        id: id.value, topic: topic, aggregateID: "sign-up:\(id)", payload: Array(id.text.utf8),
        createdAt: now),
      in: transaction)
  }

  /// The topic's handler.
  func deliver(_ message: OutboxMessage) async throws {
    guard let id = SignUpID(String(decoding: message.payload, as: UTF8.self)) else {
      throw PermanentDeliveryError("the payload names no sign-up")
    }
    guard let signUp = try await find(id), case .opening(let user, let existing) = signUp.progress
    else { return }
    let organization: OrganizationID
    if let existing {
      organization = existing
    } else {
      organization = try await createOrganization(of: signUp, for: user)
      try await core.database.write { transaction in
        guard let current = try SignUpStore.find(id, in: transaction) else { return }
        try SignUpStore.update(current.adding(organization), in: transaction)
        try UserStore.setDefaultOrganization(of: user, to: organization, in: transaction)
      }
    }
    let order = try await createOrder(of: signUp, for: user, in: organization)
    try await core.database.write { transaction in
      guard let current = try SignUpStore.find(id, in: transaction) else { return }
      try SignUpStore.update(current.adding(order), in: transaction)
    }
  }

  private func find(_ id: SignUpID) async throws -> SignUp? {
    try await core.database.read { transaction in try SignUpStore.find(id, in: transaction) }
  }

  private func createOrganization(
    of signUp: SignUp, for user: UserID
  ) async throws -> OrganizationID {
    let answer = try await provisioning.createOrganization(
      CreateOrganizationRequest(
        requestID: "sign-up-\(signUp.id)", displayName: signUp.party.organizationName,
        userID: user.text),
      options: CallOptions(timeout: Self.peerTimeout))
    guard let id = OrganizationID(answer.organization?.organizationID ?? "") else {
      throw RPCError(.internalError, "organizations answered without an id")
    }
    return id
  }

  private func createOrder(
    of signUp: SignUp, for user: UserID, in organization: OrganizationID
  ) async throws -> OrderID {
    let answer = try await orders.createOrder(
      CreateOrderRequest(
        requestID: "sign-up-\(signUp.id)", organizationID: organization.text, userID: user.text,
        quote: try Quote(serialized: signUp.quote), recipient: signUp.party.message,
        acceptedTermsVersion: signUp.acceptedTermsVersion),
      options: CallOptions(timeout: Self.peerTimeout))
    guard let id = OrderID(answer.order?.orderID ?? "") else {
      throw RPCError(.internalError, "the shop answered without an id")
    }
    return id
  }
}
