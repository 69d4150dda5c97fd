import Authentication
import Messages
import OrganizationsAPI
import RPCCore
import SharedDomain
import Testing

/// Organizations, as a channel that answers one message.
private struct FakeOrganizations: ClientChannel {
  let response: CheckAccessResponse
  let seen = Box<CheckAccessRequest?>(nil)

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    #expect(method == AccessServiceMethods.checkAccess)
    seen.value = try CheckAccessRequest(serialized: request)
    return RawResponse(message: try response.serialized())
  }

  func close() async {}
}

@Suite("The access check over the wire")
struct RemoteAccessTests {
  private let subject = AccessSubject(
    userID: user(1), sessionID: session(1), organizationID: organization(1))

  private func answer(
    _ response: CheckAccessResponse, for subject: AccessSubject? = nil
  ) async throws -> Access {
    let channel = FakeOrganizations(response: response)
    let checker = AccessChecker(asking: AccessServiceClient(channel: channel))
    let subject = subject ?? self.subject
    let access = try await checker.access(subject, CallOptions())
    let request = try #require(channel.seen.value)
    #expect(request.userID == subject.userID.text)
    #expect(request.sessionID == subject.sessionID.text)
    #expect(request.organizationID == subject.organizationID?.text ?? "")
    return access
  }

  @Test("what organizations answers is what the checker answers")
  func roundTrip() async throws {
    for state in SharedDomain.OrganizationState.allCases {
      for role in SharedDomain.Role.allCases {
        let access = Access(
          isSessionActive: true,
          organization: OrganizationAccess(
            membership: SharedDomain.Membership(
              organizationID: organization(1), role: role, hasBillingRights: true,
              productGrants: role == .admin ? [] : [product(1), product(2)], version: 8),
            state: state))
        #expect(try await answer(access.message(isLegalRepresentative: true)) == access)
      }
    }
    #expect(
      try await answer(Access.sessionEnded.message(isLegalRepresentative: false)) == .sessionEnded)
    let sessionOnly = AccessSubject(
      userID: user(1), sessionID: session(1), organizationID: nil)
    #expect(
      try await answer(CheckAccessResponse(sessionActive: true), for: sessionOnly)
        == Access(isSessionActive: true, organization: nil))
  }

  @Test(
    "an answer with a role, a state or a grant that is not known gives no rights",
    arguments: [
      CheckAccessResponse(
        sessionActive: true, membership: .init(role: .unspecified, version: 1),
        organizationState: .active),
      CheckAccessResponse(
        sessionActive: true, membership: .init(role: .unrecognized(9), version: 1),
        organizationState: .active),
      CheckAccessResponse(
        sessionActive: true, membership: .init(role: .admin, version: 1),
        organizationState: .unspecified),
      CheckAccessResponse(
        sessionActive: true, membership: .init(role: .admin, version: 1),
        organizationState: .unrecognized(7)),
      CheckAccessResponse(
        sessionActive: true, membership: .init(role: .member, productIDs: ["x"], version: 1),
        organizationState: .active),
    ])
  func unknownValues(response: CheckAccessResponse) async throws {
    let error = await #expect(throws: RPCError.self) { try await answer(response) }
    #expect(error?.code == .unavailable)
  }

  @Test("a membership that was not asked for gives no rights")
  func unaskedMembership() async throws {
    let sessionOnly = AccessSubject(
      userID: user(1), sessionID: session(1), organizationID: nil)
    let response = CheckAccessResponse(
      sessionActive: true, membership: .init(role: .admin, version: 1), organizationState: .active)
    let error = await #expect(throws: RPCError.self) {
      try await answer(response, for: sessionOnly)
    }
    #expect(error?.code == .unavailable)
  }
}
