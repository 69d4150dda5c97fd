import OrganizationsDomain
import SharedDomain
import TestSupport
import Testing

@Suite("Members of an organization (ORG-3)")
struct MemberRosterTests {
  private let founder = user(1)
  private let admin = user(2)
  private let clerk = user(3)

  private func member(
    _ user: UserID, _ role: Role, billing: Bool = false, grants: Set<ProductID> = [],
    represents: Bool = false
  ) -> Member {
    Member(
      userID: user, role: role, hasBillingRights: billing, productGrants: grants,
      isLegalRepresentative: represents, version: 4, joinedAt: Instant(microseconds: 7))
  }

  private var roster: MemberRoster {
    MemberRoster([
      member(founder, .admin, represents: true), member(admin, .admin), member(clerk, .member),
    ])
  }

  @Test("a founder is admin with billing rights and the legal representative")
  func founding() throws {
    let name = try #require(OrganizationName("Ada Lovelace"))
    let now = Instant(microseconds: 42)
    let founding = Founding(id: organization(1), name: name, founder: founder, now: now)
    #expect(founding.organization.state == .active)
    #expect(founding.organization.createdAt == now)
    #expect(founding.founder.role == .admin)
    #expect(founding.founder.hasBillingRights)
    #expect(founding.founder.isLegalRepresentative)
    #expect(founding.founder.version == 1)
  }

  @Test("the last legal representative cannot leave or be removed")
  func lastRepresentativeStays() throws {
    #expect(throws: OrganizationsError.lastLegalRepresentative(founder)) {
      try roster.removing(founder)
    }
    #expect(try roster.removing(admin).userID == admin)
    #expect(try roster.removing(clerk).userID == clerk)
  }

  @Test(
    "the last legal representative stays one, and admin",
    arguments: [
      (MemberRights(role: .admin, isLegalRepresentative: true), true),
      (MemberRights(role: .admin, isLegalRepresentative: false), false),
      (MemberRights(role: .member, isLegalRepresentative: true), false),
      (MemberRights(role: .member, isLegalRepresentative: false), false),
    ])
  func lastRepresentativeKeepsRights(rights: MemberRights, isAllowed: Bool) throws {
    if isAllowed {
      #expect(try roster.changing(founder, to: rights).version == 5)
    } else {
      #expect(throws: OrganizationsError.lastLegalRepresentative(founder)) {
        try roster.changing(founder, to: rights)
      }
    }
  }

  @Test("with a second representative the first may go")
  func secondRepresentative() throws {
    let roster = MemberRoster([
      member(founder, .admin, represents: true), member(admin, .admin, represents: true),
    ])
    #expect(try roster.removing(founder).userID == founder)
    let demoted = try roster.changing(founder, to: MemberRights(role: .member))
    #expect(demoted.role == .member)
    #expect(!demoted.isLegalRepresentative)
    #expect(!demoted.hasBillingRights)
  }

  @Test("a change raises the version and keeps the day of joining")
  func versionGrows() throws {
    let changed = try roster.changing(
      clerk, to: MemberRights(role: .member, hasBillingRights: true, productGrants: [product(1)]))
    #expect(changed.version == 5)
    #expect(changed.joinedAt == Instant(microseconds: 7))
    #expect(changed.hasBillingRights)
    #expect(changed.productGrants == [product(1)])
  }

  @Test("an admin has billing rights and no grants, whatever was asked for")
  func adminRights() throws {
    let changed = try roster.changing(
      clerk, to: MemberRights(role: .admin, hasBillingRights: false, productGrants: [product(1)]))
    #expect(changed.hasBillingRights)
    #expect(changed.productGrants.isEmpty)
  }

  @Test("who is no member can be neither changed nor removed")
  func strangers() {
    let stranger = user(9)
    #expect(throws: OrganizationsError.noMember(stranger)) { try roster.removing(stranger) }
    #expect(throws: OrganizationsError.noMember(stranger)) {
      try roster.changing(stranger, to: MemberRights(role: .admin))
    }
  }

  @Test("whatever is done to a roster in any order, a legal representative remains (seeded)")
  func invariantUnderRandomChanges() {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var random = SplitMix(state: seed)
    for _ in 0..<200 {
      var members = [user(0): member(user(0), .admin, represents: true)]
      for number in 1..<5 {
        let isAdmin = random.next() % 2 == 0
        members[user(number)] = member(
          user(number), isAdmin ? .admin : .member, represents: isAdmin && random.next() % 3 == 0)
      }
      for _ in 0..<20 {
        let target = user(Int(random.next() % 5))
        let roster = MemberRoster(Array(members.values))
        if random.next() % 2 == 0 {
          if (try? roster.removing(target)) != nil { members[target] = nil }
        } else {
          let rights = MemberRights(
            role: random.next() % 2 == 0 ? .admin : .member,
            isLegalRepresentative: random.next() % 2 == 0)
          if let changed = try? roster.changing(target, to: rights) { members[target] = changed }
        }
        #expect(members.values.contains { $0.isLegalRepresentative }, "seed \(seed)")
      }
    }
  }

  @Test(
    "a name has 1 to 141 characters and no control characters",
    arguments: [
      ("", false), ("A", true), (String(repeating: "ü", count: 141), true),
      (String(repeating: "a", count: 142), false), ("a\nb", false), ("a\u{0}b", false),
      ("Müller & Söhne AG", true),
    ])
  func names(text: String, isName: Bool) {
    #expect((OrganizationName(text) != nil) == isName)
  }
}
