import OrganizationsAPI
import OrganizationsService
import RPCCore
import SQLCore
import SQLiteDriver
import SharedDomain
import TestSupport
import Testing

@Suite("Answering access checks (ORG-3, ORG-4)", .onEachDriver)
struct AccessServiceTests {
  private func check(
    _ fixture: Fixture, _ user: UserID, _ organization: OrganizationID?,
    _ session: SessionID = session(1), options: CallOptions = CallOptions()
  ) async throws -> CheckAccessResponse {
    try await fixture.access.checkAccess(
      CheckAccessRequest(
        userID: user.text, sessionID: session.text, organizationID: organization?.text ?? ""),
      options: options)
  }

  @Test("an admin's and a member's rights, with grants and version")
  func rights() async throws {
    let fixture = try await Fixture()
    let organization = try await fixture.found("One AG", by: user(1))
    try await fixture.add(
      user(2), to: organization, .member, billing: true, grants: [product(2), product(1)])
    #expect(
      try await check(fixture, user(1), organization)
        == CheckAccessResponse(
          sessionActive: true,
          membership: Membership(
            role: .admin, billing: true, version: 1, legalRepresentative: true),
          organizationState: .active))
    #expect(
      try await check(fixture, user(2), organization)
        == CheckAccessResponse(
          sessionActive: true,
          membership: Membership(
            role: .member, billing: true, productIDs: [product(1).text, product(2).text],
            version: 1),
          organizationState: .active))
  }

  @Test("a member's grants are those of this member in this organization")
  func grantsOfOthers() async throws {
    let fixture = try await Fixture()
    let one = try await fixture.found("One AG", by: user(1))
    let two = try await fixture.found("Two AG", by: user(1))
    try await fixture.add(user(2), to: one, .member, grants: [product(1)])
    try await fixture.add(user(3), to: one, .member, grants: [product(2)])
    try await fixture.add(user(2), to: two, .member, grants: [product(3)])
    for (user, organization, product) in [
      (user(2), one, product(1)), (user(3), one, product(2)), (user(2), two, product(3)),
    ] {
      let membership = try await check(fixture, user, organization).membership
      #expect(membership?.productIDs == [product.text])
    }
  }

  @Test("strangers, unknown organizations and members of others have no rights")
  func strangers() async throws {
    let fixture = try await Fixture()
    let one = try await fixture.found("One AG", by: user(1))
    let two = try await fixture.found("Two AG", by: user(2))
    let nothing = CheckAccessResponse(sessionActive: true)
    #expect(try await check(fixture, user(1), two) == nothing)
    #expect(try await check(fixture, user(2), one) == nothing)
    #expect(try await check(fixture, user(3), one) == nothing)
    #expect(try await check(fixture, user(1), organization(99)) == nothing)
    #expect(try await check(fixture, user(1), nil) == nothing)
  }

  @Test("an ended session has no rights, whatever its user's membership")
  func endedSession() async throws {
    let fixture = try await Fixture()
    let organization = try await fixture.found("One AG", by: user(1))
    #expect(try await check(fixture, user(1), organization).sessionActive)
    fixture.identity.end(session(1))
    #expect(try await check(fixture, user(1), organization) == CheckAccessResponse())
    #expect(try await check(fixture, user(1), organization, session(2)).sessionActive)
  }

  @Test("a removal counts at the next question")
  func removal() async throws {
    let fixture = try await Fixture()
    let organization = try await fixture.found("One AG", by: user(1))
    try await fixture.add(user(2), to: organization, .member, grants: [product(1)])
    #expect(try await check(fixture, user(2), organization).membership != nil)
    try await fixture.database.write { transaction in
      try transaction.execute(
        "DELETE FROM membership WHERE organization_id = \(organization.text) AND user_id = \(user(2).text)"
      )
    }
    #expect(try await check(fixture, user(2), organization).membership == nil)
  }

  @Test("the organization's state is told", arguments: SharedDomain.OrganizationState.allCases)
  func states(state: SharedDomain.OrganizationState) async throws {
    let fixture = try await Fixture()
    let organization = try await fixture.found("One AG", by: user(1))
    try await fixture.set(organization, state)
    let expected: OrganizationsAPI.OrganizationState =
      switch state {
      case .active: .active
      case .closing: .closing
      case .deleted: .deleted
      }
    #expect(try await check(fixture, user(1), organization).organizationState == expected)
  }

  @Test(
    "identity without an answer is UNAVAILABLE",
    arguments: [
      StatusCode.unavailable, .internalError, .permissionDenied, .unimplemented, .notFound,
    ])
  func identityDown(code: StatusCode) async throws {
    let fixture = try await Fixture()
    let organization = try await fixture.found("One AG", by: user(1))
    fixture.identity.fail(with: RPCError(code, "connect to 10.0.0.4 failed"))
    let error = try await refusal { try await check(fixture, user(1), organization) }
    #expect(error.code == .unavailable)
    #expect(error.reason == "IDENTITY_UNAVAILABLE")
    #expect(!error.message.contains("10.0.0.4"))
    fixture.identity.fail(with: nil)
    #expect(try await check(fixture, user(1), organization).sessionActive)
  }

  @Test("a deadline that passes while identity is asked stays one")
  func deadline() async throws {
    let fixture = try await Fixture()
    fixture.identity.fail(with: RPCError(.deadlineExceeded, "over"))
    let error = try await refusal { try await check(fixture, user(1), nil) }
    #expect(error.code == .deadlineExceeded)
  }

  @Test(
    "ids that are none are named",
    arguments: [
      (CheckAccessRequest(), ["user_id", "session_id"]),
      (
        CheckAccessRequest(userID: "x", sessionID: "y", organizationID: "z"),
        ["user_id", "session_id", "organization_id"]
      ),
    ])
  func validation(request: CheckAccessRequest, fields: [String]) async throws {
    let fixture = try await Fixture()
    let error = try await refusal { try await fixture.access.checkAccess(request) }
    #expect(error.code == .invalidArgument)
    #expect(error.fields.map(\.field) == fields)
    #expect(fixture.identity.checks == 0)
  }
}
