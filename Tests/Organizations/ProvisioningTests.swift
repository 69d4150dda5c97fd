import GoogleAPI
import OrganizationsAPI
import OrganizationsService
import RPCCore
import SQLCore
import SQLiteDriver
import ServiceStorage
import SharedDomain
import TestSupport
import Testing

@Suite("Creating organizations (ORG-1)", .onEachDriver)
struct ProvisioningTests {
  private let request = CreateOrganizationRequest(
    requestID: "sign-up-1", displayName: "Ada Lovelace", userID: user(1).text)

  @Test("the founder is admin and legal representative of an active organization")
  func creation() async throws {
    let fixture = try await Fixture()
    let now = fixture.clock.now()
    let response = try await fixture.provisioning.createOrganization(request)
    let organization = try #require(response.organization)
    #expect(OrganizationID(organization.organizationID) != nil)
    #expect(organization.displayName == "Ada Lovelace")
    #expect(organization.state == .active)
    #expect(organization.createTime?.seconds == now.microseconds / 1_000_000)
    #expect(
      organization.membership
        == Membership(
          role: .admin, billing: true, productIDs: [], version: 1, legalRepresentative: true))
  }

  @Test("the same request id, many times at once, makes one organization with one answer")
  func idempotency() async throws {
    let fixture = try await Fixture()
    let client = fixture.provisioning
    let request = request
    let answers = try await withThrowingTaskGroup(of: CreateOrganizationResponse.self) { group in
      for _ in 0..<50 { group.addTask { try await client.createOrganization(request) } }
      var answers: Set<CreateOrganizationResponse> = []
      for try await answer in group { answers.insert(answer) }
      return answers
    }
    #expect(answers.count == 1)
    #expect(
      try await fixture.client.listOrganizations(
        ListOrganizationsRequest(), options: fixture.signedIn(user(1))
      ).organizations.count == 1)
  }

  @Test("the same request id for another organization is refused and changes nothing")
  func keyReuse() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.provisioning.createOrganization(request)
    var other = request
    other.displayName = "Somebody Else"
    let error = try await refusal { try await fixture.provisioning.createOrganization(other) }
    #expect(error.code == .alreadyExists)
    #expect(error.reason == "IDEMPOTENCY_KEY_REUSED")
  }

  @Test("a user may found several organizations (ORG-2)")
  func several() async throws {
    let fixture = try await Fixture()
    let first = try await fixture.found("One AG", by: user(1))
    let second = try await fixture.found("Two AG", by: user(1))
    #expect(first != second)
  }

  @Test(
    "every wrong field is named",
    arguments: [
      (CreateOrganizationRequest(), ["display_name", "user_id"]),
      (
        CreateOrganizationRequest(
          requestID: "r", displayName: String(repeating: "a", count: 142), userID: user(1).text),
        ["display_name"]
      ),
      (
        CreateOrganizationRequest(requestID: "r", displayName: "a\u{7}b", userID: user(1).text),
        ["display_name"]
      ),
      (
        CreateOrganizationRequest(requestID: "r", displayName: "A", userID: "me"), ["user_id"]
      ),
      (
        CreateOrganizationRequest(requestID: "", displayName: "A", userID: user(1).text),
        ["request_id"]
      ),
      (
        CreateOrganizationRequest(requestID: "a b", displayName: "A", userID: user(1).text),
        ["request_id"]
      ),
    ])
  func validation(request: CreateOrganizationRequest, fields: [String]) async throws {
    let fixture = try await Fixture()
    let error = try await refusal { try await fixture.provisioning.createOrganization(request) }
    #expect(error.code == .invalidArgument)
    #expect(error.fields.map(\.field) == fields)
  }

  @Test("a name of 141 characters, umlauts included, is taken")
  func longestName() async throws {
    let fixture = try await Fixture()
    let name = String(repeating: "ü", count: 141)
    let response = try await fixture.provisioning.createOrganization(
      CreateOrganizationRequest(requestID: "r", displayName: name, userID: user(1).text))
    #expect(response.organization?.displayName == name)
  }

  @Test("only identity creates organizations", arguments: ["kontor-gateway", "kontor-shop", nil])
  func peers(peer: String?) async throws {
    let fixture = try await Fixture()
    let client = OrganizationProvisioningServiceClient(channel: fixture.channel(peer))
    let error = try await refusal { try await client.createOrganization(request) }
    #expect(error.code == .permissionDenied)
    #expect(error.reason == "PEER_NOT_ALLOWED")
  }

  @Test("the founding is in the audit log, names beside the chain (ORG-8)")
  func audit() async throws {
    let fixture = try await Fixture()
    let organization = try await fixture.found("Ada Lovelace", by: user(1))
    try await fixture.database.write { transaction in
      let entries = try AuditLog.page(of: organization, limit: 10, in: transaction)
      #expect(entries.map(\.record.action) == ["membership.created", "organization.created"])
      #expect(entries.map(\.record.actor) == ["user:\(user(1))", "user:\(user(1))"])
      #expect(entries.map(\.record.target) == ["user:\(user(1))", "organization:\(organization)"])
      let name = entries[1].record.fields.first { $0.name == "display_name" }
      #expect(name?.after == "Ada Lovelace")
      #expect(name?.subject == "user:\(user(1))")
      #expect(
        try AuditLog.verify(organization, in: transaction)
          == .intact(entries: 2, head: entries[0].hash))
      // Erasing the person's values leaves the chain whole.
      try AuditLog.erasePersonalValues(of: "user:\(user(1))", in: transaction)
      #expect(
        try AuditLog.verify(organization, in: transaction)
          == .intact(entries: 2, head: entries[0].hash))
    }
  }
}
