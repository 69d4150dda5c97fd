import Authentication
import OrganizationsAPI
import OrganizationsService
import RPCCore
import SharedDomain
import TestSupport
import Testing

@Suite("The caller's organizations", .onEachDriver)
struct OrganizationServiceTests {
  @Test("a member reads the organization with their own rights")
  func get() async throws {
    let fixture = try await Fixture()
    let id = try await fixture.found("One AG", by: user(1))
    try await fixture.add(user(2), to: id, .member, grants: [product(1)])
    let request = GetOrganizationRequest(organizationID: id.text)
    let admin = try await fixture.client.getOrganization(
      request, options: fixture.signedIn(user(1)))
    #expect(admin.organization?.displayName == "One AG")
    #expect(admin.organization?.membership?.role == .admin)
    let member = try await fixture.client.getOrganization(
      request, options: fixture.signedIn(user(2)))
    #expect(member.organization?.membership?.role == .member)
    #expect(member.organization?.membership?.productIDs == [product(1).text])
  }

  @Test("foreign, unknown and deleted organizations answer alike (ORG-4)")
  func foreign() async throws {
    let fixture = try await Fixture()
    let foreign = try await fixture.found("One AG", by: user(1))
    let deleted = try await fixture.found("Two AG", by: user(2))
    try await fixture.set(deleted, .deleted)
    var answers: [RPCError] = []
    for id in [foreign, deleted, organization(99)] {
      answers.append(
        try await refusal {
          try await fixture.client.getOrganization(
            GetOrganizationRequest(organizationID: id.text), options: fixture.signedIn(user(2)))
        })
    }
    for answer in answers {
      #expect(answer.code == .notFound)
      #expect(answer.reason == "ORGANIZATION_NOT_FOUND")
      #expect(answer.message == answers[0].message)
      #expect(answer.details == answers[0].details)
    }
  }

  @Test("a webmaster with three organizations reads each with one login (ORG-5)")
  func webmaster() async throws {
    let fixture = try await Fixture()
    let webmaster = user(9)
    var ids: [OrganizationID] = []
    for number in 1...3 {
      let id = try await fixture.found(
        "Company \(number)", by: user(number), requestID: "c\(number)")
      try await fixture.add(webmaster, to: id, .admin)
      ids.append(id)
    }
    _ = try await fixture.found("Somebody else", by: user(4))
    let list = try await fixture.client.listOrganizations(
      ListOrganizationsRequest(), options: fixture.signedIn(webmaster))
    #expect(list.organizations.map(\.organizationID) == ids.map(\.text))
    #expect(list.nextPageToken.isEmpty)
    for id in ids {
      let audit = try await fixture.client.listAuditEntries(
        ListAuditEntriesRequest(), options: fixture.signedIn(webmaster, in: id))
      #expect(audit.entries.count == 2)
    }
  }

  @Test("pages are complete, in order and without repetition", arguments: [1, 2, 3, 7, 100])
  func pages(size: Int32) async throws {
    let fixture = try await Fixture()
    var ids: [String] = []
    for number in 1...7 {
      ids.append(try await fixture.found("N\(number)", by: user(1), requestID: "\(number)").text)
    }
    let hidden = try #require(OrganizationID(ids.remove(at: 3)))
    try await fixture.set(hidden, .deleted)
    var seen: [String] = []
    var token = ""
    repeat {
      let page = try await fixture.client.listOrganizations(
        ListOrganizationsRequest(pageSize: size, pageToken: token),
        options: fixture.signedIn(user(1)))
      #expect(page.organizations.count <= Int(size))
      seen += page.organizations.map(\.organizationID)
      token = page.nextPageToken
    } while !token.isEmpty
    #expect(seen == ids)
  }

  @Test(
    "a page size or token that is none is named",
    arguments: [
      (Int32(-1), "", ["page_size"]), (101, "", ["page_size"]), (0, "zz", ["page_token"]),
      (0, "7800", ["page_token"]), (-5, "00", ["page_size", "page_token"]),
    ])
  func wrongPages(size: Int32, token: String, fields: [String]) async throws {
    let fixture = try await Fixture()
    let id = try await fixture.found("One AG", by: user(1))
    let organizations = try await refusal {
      try await fixture.client.listOrganizations(
        ListOrganizationsRequest(pageSize: size, pageToken: token),
        options: fixture.signedIn(user(1)))
    }
    #expect(organizations.code == .invalidArgument)
    #expect(organizations.fields.map(\.field) == fields)
    let entries = try await refusal {
      try await fixture.client.listAuditEntries(
        ListAuditEntriesRequest(pageSize: size, pageToken: token),
        options: fixture.signedIn(user(1), in: id))
    }
    #expect(entries.fields.map(\.field) == fields)
  }

  @Test("the audit log is for admins, newest first, page by page")
  func audit() async throws {
    let fixture = try await Fixture()
    let id = try await fixture.found("One AG", by: user(1))
    try await fixture.add(user(2), to: id, .member, billing: true)
    let first = try await fixture.client.listAuditEntries(
      ListAuditEntriesRequest(pageSize: 1), options: fixture.signedIn(user(1), in: id))
    #expect(first.entries.map(\.action) == ["membership.created"])
    #expect(first.entries.map(\.sequence) == [2])
    #expect(first.entries.first?.hash.count == 32)
    let second = try await fixture.client.listAuditEntries(
      ListAuditEntriesRequest(pageSize: 1, pageToken: first.nextPageToken),
      options: fixture.signedIn(user(1), in: id))
    #expect(second.entries.map(\.action) == ["organization.created"])
    #expect(second.entries.map(\.target) == ["organization:\(id)"])
    #expect(second.nextPageToken.isEmpty)

    let member = try await refusal {
      try await fixture.client.listAuditEntries(
        ListAuditEntriesRequest(), options: fixture.signedIn(user(2), in: id))
    }
    #expect(member.code == .permissionDenied)
    #expect(member.reason == "PERMISSION_DENIED")
    let stranger = try await refusal {
      try await fixture.client.listAuditEntries(
        ListAuditEntriesRequest(), options: fixture.signedIn(user(3), in: id))
    }
    #expect(stranger.code == .notFound)
    #expect(stranger.reason == "ORGANIZATION_NOT_FOUND")
  }

  @Test("a page token of one organization's audit log does not open another's")
  func foreignToken() async throws {
    let fixture = try await Fixture()
    let one = try await fixture.found("One AG", by: user(1))
    let two = try await fixture.found("Two AG", by: user(1))
    let page = try await fixture.client.listAuditEntries(
      ListAuditEntriesRequest(pageSize: 1), options: fixture.signedIn(user(1), in: one))
    let error = try await refusal {
      try await fixture.client.listAuditEntries(
        ListAuditEntriesRequest(pageToken: page.nextPageToken),
        options: fixture.signedIn(user(1), in: two))
    }
    #expect(error.fields.map(\.field) == ["page_token"])
  }

  @Test("authorization comes before validation (AIP-211)")
  func order() async throws {
    let fixture = try await Fixture()
    let noToken = try await refusal {
      try await fixture.client.getOrganization(GetOrganizationRequest(organizationID: "nonsense"))
    }
    #expect(noToken.reason == "TOKEN_MISSING")
    let noSession = try await refusal {
      fixture.identity.end(session(1))
      return try await fixture.client.listOrganizations(
        ListOrganizationsRequest(pageSize: -1), options: fixture.signedIn(user(1)))
    }
    #expect(noSession.reason == "SESSION_ENDED")
  }

  @Test("while identity is down nobody gets in")
  func identityDown() async throws {
    let fixture = try await Fixture()
    let id = try await fixture.found("One AG", by: user(1))
    fixture.identity.fail(with: RPCError(.unavailable, "down"))
    let error = try await refusal {
      try await fixture.client.getOrganization(
        GetOrganizationRequest(organizationID: id.text), options: fixture.signedIn(user(1)))
    }
    #expect(error.code == .unavailable)
  }

  @Test("every RPC has an access policy, and every policy an RPC")
  func policies() async throws {
    let fixture = try await Fixture()
    #expect(
      AccessPolicy.missing(
        for: fixture.services.registrations, in: OrganizationsServices.accessPolicies
      ).isEmpty)
    let paths = fixture.services.registrations.flatMap(\.methods).map(\.method.path)
    #expect(Set(paths) == Set(OrganizationsServices.accessPolicies.keys))
    #expect(
      Set(OrganizationsServices.allowedPeers.keys)
        == Set(fixture.services.registrations.map(\.name)))
  }
}
