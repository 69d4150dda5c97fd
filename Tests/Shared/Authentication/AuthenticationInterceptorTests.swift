import Authentication
import Messages
import OrganizationsAPI
import RPCCore
import SharedDomain
import TestSupport
import Testing

private let readMethod = MethodDescriptor(
  service: "kontor.test.v1.ThingService", name: "GetThing", idempotency: .noSideEffects)
private let writeMethod = MethodDescriptor(
  service: "kontor.test.v1.ThingService", name: "ChangeThing")

@Suite("Authentication and authorization before a handler")
struct AuthenticationInterceptorTests {
  private let clock = ManualClock(start)
  private let signer: Signer
  private let checks = Counter()

  init() throws { signer = try Signer(1) }

  private func interceptor(
    _ policy: AccessPolicy, access: @escaping @Sendable (AccessSubject) throws -> Access
  ) -> AuthenticationInterceptor {
    let checks = checks
    return interceptor(
      policy,
      checker: AccessChecker { subject, _ in
        _ = checks.next()
        return try access(subject)
      })
  }

  private func interceptor(
    _ policy: AccessPolicy, checker: AccessChecker
  ) -> AuthenticationInterceptor {
    let key = signer.verificationKey()
    return AuthenticationInterceptor(
      policies: [readMethod.path: policy, writeMethod.path: policy], registrations: [],
      tokens: AccessTokenVerifier(
        keys: SigningKeyCache(logger: silent) { _ in [key] }, clock: clock),
      checker: checker)
  }

  private func run(
    _ interceptor: AuthenticationInterceptor, _ method: MethodDescriptor = readMethod,
    token: String?, peer: Peer = Peer()
  ) async throws -> Principal? {
    var metadata = Metadata()
    if let token { metadata.append("authorization", "Bearer \(token)") }
    var principal: Principal?
    var calls = 0
    try await interceptor.intercept(
      ServerContext(
        method: method, metadata: metadata, peer: peer,
        principal: Principal(userID: user(9), sessionID: session(9), membership: nil))
    ) { context in
      calls += 1
      principal = context.principal
    }
    #expect(calls == 1)
    return principal
  }

  private func refusal(
    _ interceptor: AuthenticationInterceptor, _ method: MethodDescriptor = readMethod,
    token: String?, peer: Peer = Peer()
  ) async throws -> RPCError {
    try #require(
      await #expect(throws: RPCError.self) {
        try await run(interceptor, method, token: token, peer: peer)
      })
  }

  private func member(
    _ role: SharedDomain.Role, billing: Bool = false,
    state: SharedDomain.OrganizationState = .active
  ) -> Access {
    Access(
      isSessionActive: true,
      organization: OrganizationAccess(
        membership: SharedDomain.Membership(
          organizationID: organization(1), role: role, hasBillingRights: billing, version: 3),
        state: state))
  }

  // MARK: Policies

  @Test("a public method is open, and nobody is somebody there")
  func publicMethod() async throws {
    let interceptor = interceptor(.public) { _ in .sessionEnded }
    #expect(try await run(interceptor, token: nil) == nil)
    #expect(try await run(interceptor, token: "nonsense") == nil)
    #expect(checks.value == 0)
  }

  @Test("an internal method needs a verified peer certificate")
  func internalMethod() async throws {
    let interceptor = interceptor(.internalOnly) { _ in .sessionEnded }
    let peer = Peer(remoteAddress: "127.0.0.1:1", certificateNames: ["kontor-shop"])
    #expect(try await run(interceptor, token: nil, peer: peer) == nil)
    let error = try await refusal(interceptor, token: nil)
    #expect(error.code == .permissionDenied)
    #expect(error.reason == "PEER_NOT_ALLOWED")
  }

  @Test("an authenticated method asks for the session alone")
  func authenticatedMethod() async throws {
    let interceptor = interceptor(.authenticated) { subject in
      #expect(
        subject == AccessSubject(userID: user(1), sessionID: session(1), organizationID: nil))
      return Access(isSessionActive: true, organization: nil)
    }
    let principal = try await run(interceptor, writeMethod, token: signer.token(claims()))
    #expect(principal == Principal(userID: user(1), sessionID: session(1), membership: nil))
  }

  @Test("a method without a policy is refused, whoever calls")
  func noPolicy() async throws {
    let interceptor = interceptor(.public) { _ in .sessionEnded }
    let method = MethodDescriptor(service: "kontor.test.v1.ThingService", name: "Forgotten")
    let error = try await refusal(interceptor, method, token: signer.token(claims()))
    #expect(error.code == .permissionDenied)
    #expect(error.reason == "NO_ACCESS_POLICY")
  }

  @Test("methods without a policy are named at start; health needs none")
  func missingPolicies() {
    func registration(_ name: String, _ methods: String...) -> ServiceRegistration {
      ServiceRegistration(
        name: name,
        methods: methods.map {
          MethodHandler(unary: MethodDescriptor(service: name, name: $0)) {
            (request: CheckAccessRequest, _) in request
          }
        })
    }
    let registrations = [
      registration("grpc.health.v1.Health", "Check"), registration("a.Service", "One", "Two"),
    ]
    #expect(
      AccessPolicy.missing(for: registrations, in: ["/a.Service/One": .public])
        == ["/a.Service/Two"])
    #expect(
      AccessPolicy.missing(
        for: registrations, in: ["/a.Service/One": .public, "/a.Service/Two": .internalOnly]
      )
      .isEmpty)
  }

  // MARK: Tokens

  @Test("without a token, with a bad one and with an expired one the call is UNAUTHENTICATED")
  func badTokens() async throws {
    let interceptor = interceptor(.authenticated) { _ in .sessionEnded }
    let good = try signer.token(claims())
    let unknown = try Signer(2).token(claims())
    for (token, reason) in [
      (nil, "TOKEN_MISSING"), ("", "TOKEN_INVALID"), ("kat1.a.b.c", "TOKEN_INVALID"),
      (unknown, "TOKEN_INVALID"), (good + "A", "TOKEN_INVALID"), (" " + good, "TOKEN_INVALID"),
    ] {
      let error = try await refusal(interceptor, token: token)
      #expect(error.code == .unauthenticated)
      #expect(error.reason == reason)
    }
    clock.advance(by: .minutes(11))
    let error = try await refusal(interceptor, token: good)
    #expect(error.code == .unauthenticated)
    #expect(error.reason == "TOKEN_EXPIRED")
    #expect(checks.value == 0)
    // No refusal repeats the token.
    #expect(!error.message.contains(good))
  }

  @Test("the header has one value of the form Bearer token")
  func header() async throws {
    let interceptor = interceptor(.authenticated) { _ in
      Access(isSessionActive: true, organization: nil)
    }
    let token = try signer.token(claims())
    for (values, isAccepted) in [
      (["Bearer \(token)"], true), (["bearer \(token)"], true), ([token], false),
      (["Basic \(token)"], false), (["Bearer  \(token)"], false), (["Bearer\(token)"], false),
      (["Bearer \(token)", "Bearer \(token)"], false), (["Bearer"], false), ([""], false),
    ] {
      var metadata = Metadata()
      for value in values { metadata.append("authorization", value) }
      let context = ServerContext(method: readMethod, metadata: metadata)
      if isAccepted {
        try await interceptor.intercept(context) { _ in }
      } else {
        let error = await #expect(throws: RPCError.self) {
          try await interceptor.intercept(context) { _ in }
        }
        #expect(error?.reason == "TOKEN_INVALID", "\(values)")
      }
    }
  }

  @Test("a session that has ended is refused, by each policy that needs one")
  func endedSession() async throws {
    for policy in [AccessPolicy.authenticated, .permission(.viewProducts)] {
      let interceptor = interceptor(policy) { _ in .sessionEnded }
      let error = try await refusal(interceptor, token: signer.token(claims()))
      #expect(error.code == .unauthenticated)
      #expect(error.reason == "SESSION_ENDED")
    }
  }

  // MARK: Permissions

  @Test("the principal is the user with the membership that was found")
  func principal() async throws {
    let access = member(.member, billing: true)
    let interceptor = interceptor(.permission(.manageBilling)) { _ in access }
    let principal = try await run(interceptor, writeMethod, token: signer.token(claims()))
    #expect(
      principal
        == Principal(
          userID: user(1), sessionID: session(1), membership: access.organization?.membership))
  }

  @Test("a token without an active organization does not reach an organization's methods")
  func noActiveOrganization() async throws {
    let interceptor = interceptor(.permission(.viewOrganization)) { _ in
      Access(isSessionActive: true, organization: nil)
    }
    let error = try await refusal(
      interceptor, token: signer.token(claims(organizationID: nil)))
    #expect(error.code == .failedPrecondition)
    #expect(error.reason == "NO_ACTIVE_ORGANIZATION")
  }

  @Test("an answer for another organization than the one asked for is not believed")
  func foreignAnswer() async throws {
    let access = member(.admin)
    let interceptor = interceptor(.permission(.viewOrganization)) { _ in access }
    let error = try await refusal(
      interceptor, token: signer.token(claims(organizationID: organization(2))))
    #expect(error.code == .internalError)
  }

  /// Who calls: role and billing rights, or nil for somebody who is no member.
  private enum Caller: CaseIterable {
    case admin, billingMember, plainMember, stranger
  }

  /// What each caller gets for each permission (ORG-3, ORG-4): nil is allowed.
  private func expected(_ caller: Caller, _ permission: Permission) -> (StatusCode, String)? {
    let notFound = (StatusCode.notFound, "ORGANIZATION_NOT_FOUND")
    let hidden = (StatusCode.notFound, "RESOURCE_NOT_FOUND")
    let forbidden = (StatusCode.permissionDenied, "PERMISSION_DENIED")
    switch permission {
    case .viewOrganization, .viewProducts: return caller == .stranger ? notFound : nil
    case .administerOrganization, .placeOrders:
      switch caller {
      case .admin: return nil
      case .billingMember, .plainMember: return forbidden
      case .stranger: return notFound
      }
    case .manageBilling:
      switch caller {
      case .admin, .billingMember: return nil
      case .plainMember: return hidden
      case .stranger: return notFound
      }
    }
  }

  @Test("roles × permissions × states × reads and writes (ORG-3, ORG-4, ORG-7)")
  func authorizationTable() async throws {
    let token = try signer.token(claims())
    for permission in Permission.allCases {
      for caller in Caller.allCases {
        for state in SharedDomain.OrganizationState.allCases {
          for method in [readMethod, writeMethod] {
            let access: Access =
              switch caller {
              case .admin: member(.admin, state: state)
              case .billingMember: member(.member, billing: true, state: state)
              case .plainMember: member(.member, state: state)
              case .stranger: Access(isSessionActive: true, organization: nil)
              }
            var expected = expected(caller, permission)
            if state == .deleted { expected = (.notFound, "ORGANIZATION_NOT_FOUND") }
            if expected == nil, state == .closing, !method.isReadOnly {
              expected = (.failedPrecondition, "ORGANIZATION_CLOSING")
            }
            let label: Comment = "\(permission) \(caller) \(state) \(method.name)"
            let interceptor = interceptor(.permission(permission)) { _ in access }
            if let (code, reason) = expected {
              let error = try await refusal(interceptor, method, token: token)
              #expect(error.code == code, label)
              #expect(error.reason == reason, label)
              if code == .permissionDenied {
                #expect(error.message.contains(permission.code), label)
              }
            } else {
              #expect(try await run(interceptor, method, token: token) != nil, label)
            }
          }
        }
      }
    }
  }

  // MARK: The check itself

  @Test("a check without an answer refuses the call as UNAVAILABLE")
  func failsClosed() async throws {
    struct Broken: Error {}
    let errors: [any Error] = [
      RPCError(.unavailable, "connect to 10.0.0.2 failed"), RPCError(.internalError, "boom"),
      RPCError(.permissionDenied, "no"), RPCError(.notFound, "no"), Broken(),
    ]
    for failure in errors {
      let interceptor = interceptor(.permission(.viewProducts)) { _ in throw failure }
      let error = try await refusal(interceptor, token: signer.token(claims()))
      #expect(error.code == .unavailable)
      #expect(error.reason == "ACCESS_CHECK_UNAVAILABLE")
      #expect(!error.message.contains("10.0.0.2"))
    }
  }

  @Test("100 calls that come while a check is under way cost one more check")
  func coalescedChecks() async throws {
    let gate = Gate()
    let checks = checks
    let access = member(.admin)
    let interceptor = interceptor(
      .permission(.viewProducts),
      checker: AccessChecker { _, _ in
        if checks.next() == 1 { await gate.pass() }
        return access
      })
    let token = try signer.token(claims())
    let entered = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      let context = ServerContext(
        method: readMethod, metadata: ["authorization": "Bearer \(token)"])
      for index in 0...100 {
        group.addTask { try await interceptor.intercept(context) { _ in _ = entered.next() } }
        if index == 0 { await gate.arrived(1) }
      }
      gate.open()
      try await group.waitForAll()
    }
    #expect(entered.value == 101)
    // One for the first; the others shared at most a few, as they came.
    #expect(checks.value <= 3)
  }

  @Test("the check carries correlation id, trace and remaining time")
  func checkOptions() async throws {
    let seen = Box<CallOptions?>(nil)
    let access = member(.admin)
    let interceptor = interceptor(
      .permission(.viewProducts),
      checker: AccessChecker { _, options in
        seen.value = options
        return access
      })
    let token = try signer.token(claims())
    try await interceptor.intercept(
      ServerContext(
        method: readMethod, metadata: ["authorization": "Bearer \(token)"],
        deadline: Deadline(after: .seconds(9)), correlationID: "c-7", traceparent: "00-a-b-01")
    ) { _ in }
    let options = try #require(seen.value)
    #expect(options.metadata["x-correlation-id"] == "c-7")
    #expect(options.metadata["traceparent"] == "00-a-b-01")
    #expect(options.metadata["authorization"] == nil)
    #expect(try #require(options.timeout) <= .seconds(9))
  }

  @Test("what the handler throws passes through")
  func handlerErrors() async throws {
    let interceptor = interceptor(.public) { _ in .sessionEnded }
    let error = await #expect(throws: RPCError.self) {
      try await interceptor.intercept(ServerContext(method: readMethod)) { _ in
        throw RPCError(.aborted, reason: "MINE", "mine")
      }
    }
    #expect(error?.reason == "MINE")
  }
}
