import CommonAPI
import GoogleAPI
import IdentityAPI
import IdentityService
import Notices
import OrganizationsAPI
import RPCCore
import SharedDomain
import ShopAPI
import TestSupport
import Testing

@Suite("SignUpService (ORG-1, ID-8)", .onEachDriver)
struct SignUpServiceTests {
  private static let fields: [(change: String, fields: [String])] = [
    ("request id", ["request_id"]), ("email", ["email"]), ("password", ["password"]),
    ("party", ["party"]), ("country", ["party.country_code"]), ("language", ["language"]),
    ("terms", ["accepted_terms_version"]), ("no terms", ["accepted_terms_version"]),
    ("currency", ["currency_code"]), ("no lines", ["lines"]), ("plan", ["lines[1].plan_id"]),
    (
      "everything",
      [
        "request_id", "email", "password", "party", "accepted_terms_version", "currency_code",
        "lines[0].plan_id",
      ]
    ),
  ]

  private static func request(_ change: String) -> SignUpRequest {
    var request = IdentityStack.signUpRequest()
    switch change {
    case "request id": request.requestID = "a b"
    case "email": request.email = "ada@bücher.example"
    case "password": request.password = "Password2026!"
    case "party": request.party = nil
    case "country": request.party?.countryCode = "Switzerland"
    case "language": request.language = .unrecognized(9)
    case "terms": request.acceptedTermsVersion = "2020-01"
    case "no terms": request.acceptedTermsVersion = ""
    case "currency": request.currencyCode = "XXX"
    case "no lines": request.lines = []
    case "plan": request.lines.append(OrderLine(planID: "nonsense", months: 12))
    default:
      request = SignUpRequest(lines: [OrderLine(planID: "nonsense")])
    }
    return request
  }

  @Test("every wrong field of a sign-up is named, and nothing is done", arguments: fields)
  func wrongFields(change: String, fields: [String]) async throws {
    let stack = try await IdentityStack()
    let error = await refusal { try await stack.signUps.signUp(Self.request(change)) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.reason == "INVALID_REQUEST")
    let named = error?.fields.map(\.field)
    #expect(named == fields)
    let rows = try await stack.dump(["sign_up", "operation", "outbox"])
    #expect(rows.split(separator: "\n").isEmpty)
  }

  @Test("a sign-up's wrong fields are told even while the shop is away, a right one waits")
  func shopAway() async throws {
    let stack = try await IdentityStack()
    stack.peers.change { $0.isAway = true }
    let wrong = await refusal { try await stack.signUps.signUp(Self.request("email")) }
    let named = wrong?.fields.map(\.field)
    #expect(named == ["email"])
    let right = await refusal { try await stack.signUps.signUp(IdentityStack.signUpRequest()) }
    #expect(right?.code == .unavailable)
    #expect(right?.reason == "SHOP_UNAVAILABLE")
    stack.peers.change { $0.isAway = false }
    #expect(try await stack.signUps.signUp(IdentityStack.signUpRequest()).signUp != nil)
  }

  @Test("the same sign-up a hundred times at once is one sign-up and one mail")
  func idempotent() async throws {
    let stack = try await IdentityStack()
    let answers = try await withThrowingTaskGroup(of: SignUpResponse.self) { group in
      for _ in 0..<100 {
        group.addTask { try await stack.signUps.signUp(IdentityStack.signUpRequest()) }
      }
      return try await group.reduce(into: Set<SignUpResponse>()) { $0.insert($1) }
    }
    #expect(answers.count == 1)
    _ = try await stack.code()
    #expect(stack.mail.count == 1)
    // A repetition needs neither the shop nor the terms of then.
    stack.peers.change {
      $0.isAway = true
      $0.terms = "2027-01"
    }
    #expect(try await stack.signUps.signUp(IdentityStack.signUpRequest()) == answers.first)
    for change in ["password", "email"] {
      var other = IdentityStack.signUpRequest()
      if change == "password" { other.password = "another lantern on 9 rivers" }
      if change == "email" { other.email = "eve@example.ch" }
      let error = await refusal { try await stack.signUps.signUp(other) }
      #expect(error?.code == .alreadyExists)
      #expect(error?.reason == "IDEMPOTENCY_KEY_REUSED")
    }
  }

  @Test("the mailed code opens user, organization and order, and repetitions tell the same")
  func confirm() async throws {
    let stack = try await IdentityStack()
    let begun = try #require(
      try await stack.signUps.signUp(IdentityStack.signUpRequest()).signUp)
    #expect(begun.state == .awaitingCode)
    #expect(begun.quote?.lines.first?.planID == "web-hosting-start")
    #expect(begun.userID.isEmpty)
    let confirm = ConfirmSignUpRequest(
      requestID: "confirm", signUpID: begun.signUpID, code: try await stack.code())
    let confirmed = try #require(try await stack.signUps.confirmSignUp(confirm).signUp)
    #expect(confirmed.state == .complete)
    #expect(UserID(confirmed.userID) != nil)
    let peers = stack.peers.snapshot
    let organization = try #require(peers.organizations.values.first)
    #expect(organization.displayName == "Ada Lovelace")
    #expect(organization.userID == confirmed.userID)
    let order = try #require(peers.orders.values.first)
    #expect(order.organizationID == confirmed.organizationID)
    #expect(order.quote == begun.quote)
    #expect(order.recipient == IdentityStack.signUpRequest().party)
    #expect(try await stack.signUps.confirmSignUp(confirm).signUp == confirmed)
    let read = try await stack.signUps.getSignUp(GetSignUpRequest(signUpID: begun.signUpID))
    #expect(read.signUp == confirmed)
    var other = confirm
    other.requestID = "another"
    let error = await refusal { try await stack.signUps.confirmSignUp(other) }
    #expect(error?.reason == "SIGN_UP_ALREADY_CONFIRMED")
    #expect(peers.organizations.count == 1)
    #expect(peers.orders.count == 1)
  }

  @Test("a company's organization has the company's name")
  func company() async throws {
    let stack = try await IdentityStack()
    var request = IdentityStack.signUpRequest()
    request.party?.companyName = "Analytical Engines AG"
    let begun = try #require(try await stack.signUps.signUp(request).signUp)
    _ = try await stack.signUps.confirmSignUp(
      ConfirmSignUpRequest(
        requestID: "c", signUpID: begun.signUpID, code: try await stack.code()))
    #expect(
      stack.peers.snapshot.organizations.values.map(\.displayName) == ["Analytical Engines AG"])
  }

  @Test("wrong codes count although the call fails, use the code up, and change nothing else")
  func wrongCodes() async throws {
    let stack = try await IdentityStack()
    let begun = try #require(
      try await stack.signUps.signUp(IdentityStack.signUpRequest()).signUp)
    let code = try await stack.code()
    let wrong = String(code.reversed()) == code ? "00000001" : String(code.reversed())
    func confirm(_ code: String) -> ConfirmSignUpRequest {
      ConfirmSignUpRequest(requestID: "confirm", signUpID: begun.signUpID, code: code)
    }
    let errors = await withTaskGroup(of: RPCError?.self) { group in
      for _ in 0..<20 {
        group.addTask { await refusal { try await stack.signUps.confirmSignUp(confirm(wrong)) } }
      }
      return await group.reduce(into: [RPCError?]()) { $0.append($1) }
    }
    #expect(errors.count { $0?.reason == "CODE_WRONG" } == 5)
    #expect(errors.count { $0?.reason == "CODE_ATTEMPTS_USED_UP" } == 15)
    let usedUp = await refusal { try await stack.signUps.confirmSignUp(confirm(code)) }
    #expect(usedUp?.reason == "CODE_ATTEMPTS_USED_UP")

    let soon = await refusal {
      try await stack.signUps.resendSignUpCode(
        ResendSignUpCodeRequest(requestID: "resend", signUpID: begun.signUpID))
    }
    #expect(soon?.code == .resourceExhausted)
    #expect(
      soon?.details.contains {
        if case .retryInfo(let info) = $0 { (info.retryDelay?.seconds ?? 0) > 0 } else { false }
      } == true)
    stack.clock.advance(.seconds(30))
    _ = try await stack.signUps.resendSignUpCode(
      ResendSignUpCodeRequest(requestID: "resend", signUpID: begun.signUpID))
    let renewed = try await stack.code(mails: 2)
    #expect(renewed != code)
    // The key of the failed calls is free for the one that succeeds.
    let answer = try await stack.signUps.confirmSignUp(confirm(renewed))
    #expect(answer.signUp?.state == .complete)
  }

  @Test("ID-8 a known address gets the same answers, another mail, and no code")
  func knownAddress() async throws {
    let stack = try await IdentityStack()
    _ = try await stack.account()
    let known = try #require(
      try await stack.signUps.signUp(IdentityStack.signUpRequest("again", email: "ADA@example.ch"))
        .signUp)
    let fresh = try #require(
      try await stack.signUps.signUp(IdentityStack.signUpRequest("new", email: "eve@example.ch"))
        .signUp)
    #expect(known.state == fresh.state)
    #expect(known.quote == fresh.quote)
    try await stack.relaying { stack.mail.all(to: "ADA@example.ch").count == 1 }
    let text = try #require(stack.mail.all(to: "ADA@example.ch").first).text
    #expect(text.contains("has one already"))
    #expect(!text.contains { $0.isNumber })
    var errors: [[String]] = []
    for signUp in [known, fresh] {
      let error = await refusal {
        try await stack.signUps.confirmSignUp(
          ConfirmSignUpRequest(requestID: "x", signUpID: signUp.signUpID, code: "00000000"))
      }
      errors.append([error?.description ?? "", "\(error?.details ?? [])"])
    }
    #expect(errors[0] == errors[1])
  }

  @Test("ID-6 of two sign-ups for one address the first code wins, and the second is told so")
  func race() async throws {
    let stack = try await IdentityStack()
    var confirms: [ConfirmSignUpRequest] = []
    for number in 1...2 {
      let begun = try #require(
        try await stack.signUps.signUp(IdentityStack.signUpRequest("sign-up-\(number)")).signUp)
      confirms.append(
        ConfirmSignUpRequest(
          requestID: "confirm-\(number)", signUpID: begun.signUpID,
          code: try await stack.code(mails: number)))
    }
    #expect(try await stack.signUps.confirmSignUp(confirms[0]).signUp?.state == .complete)
    for _ in 1...2 {
      let error = await refusal { try await stack.signUps.confirmSignUp(confirms[1]) }
      #expect(error?.code == .alreadyExists)
      #expect(error?.reason == "ACCOUNT_EXISTS")
    }
    let read = try await stack.signUps.getSignUp(
      GetSignUpRequest(signUpID: confirms[1].signUpID))
    #expect(read.signUp?.state == .expired)
  }

  @Test("a sign-up expires after a day, its code after an hour")
  func expiry() async throws {
    let stack = try await IdentityStack()
    let begun = try #require(
      try await stack.signUps.signUp(IdentityStack.signUpRequest()).signUp)
    let confirm = ConfirmSignUpRequest(
      requestID: "confirm", signUpID: begun.signUpID, code: try await stack.code())
    stack.clock.advance(.hours(1))
    let old = await refusal { try await stack.signUps.confirmSignUp(confirm) }
    #expect(old?.reason == "CODE_EXPIRED")
    stack.clock.advance(.hours(23))
    let over = await refusal { try await stack.signUps.confirmSignUp(confirm) }
    #expect(over?.reason == "SIGN_UP_EXPIRED")
    let read = try await stack.signUps.getSignUp(GetSignUpRequest(signUpID: begun.signUpID))
    #expect(read.signUp?.state == .expired)
    stack.clock.advance(.days(8))
    try await stack.services.tidy()
    let gone = await refusal {
      try await stack.signUps.getSignUp(GetSignUpRequest(signUpID: begun.signUpID))
    }
    #expect(gone?.reason == "SIGN_UP_NOT_FOUND")
  }

  @Test("an address is mailed for five sign-ups an hour, whether it has an account or not")
  func signUpLimit() async throws {
    let stack = try await IdentityStack()
    for number in 1...5 {
      _ = try await stack.signUps.signUp(IdentityStack.signUpRequest("sign-up-\(number)"))
    }
    let error = await refusal {
      try await stack.signUps.signUp(IdentityStack.signUpRequest("sign-up-6"))
    }
    #expect(error?.reason == "TOO_MANY_SIGN_UPS")
    stack.clock.advance(.hours(1))
    _ = try await stack.signUps.signUp(IdentityStack.signUpRequest("sign-up-6"))
  }

  @Test("no password and no code is saved, stored or logged in the clear")
  func secrets() async throws {
    let stack = try await IdentityStack()
    let begun = try #require(
      try await stack.signUps.signUp(IdentityStack.signUpRequest()).signUp)
    let code = try await stack.code()
    _ = try await stack.signUps.confirmSignUp(
      ConfirmSignUpRequest(requestID: "confirm", signUpID: begun.signUpID, code: code))
    let tokens = try #require(try await stack.signIn().tokens)
    _ = await refusal { try await stack.signIn(password: "wrong lantern 9 rivers") }
    let stored =
      try await stack.dump([
        "operation", "sign_up", "user_account", "outbox", "outbox_dead_letter", "session",
        "refresh_token", "sign_in_failures",
      ]) + stack.log.text
    for secret in [
      IdentityStack.password, "wrong lantern 9 rivers", code, tokens.accessToken,
      tokens.refreshToken,
    ] {
      #expect(!stored.contains(secret))
    }
    let signUps = try await stack.dump(["sign_up"])
    #expect(!signUps.contains("argon2id"))
  }
}
