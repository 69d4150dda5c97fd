import CommonAPI
import Cryptography
import GoogleAPI
import IdentityAPI
import IdentityService
import Logging
import Notices
import RPCCore
import RPCInProcess
import SQLCore
import ServiceStorage
import SharedDomain
import ShopAPI
import TestSupport
import Testing

/// Identity over a real database of the test's driver, with a manual clock and fake peers.
final class IdentityStack: Sendable {
  static let password = "quiet rivers carry 9 lanterns"

  let database: any Database
  let clock: ManualClock
  let peers: FakePeers
  let mail: RecordingMail
  let log: RecordingLog.Lines
  let services: IdentityServices
  let channel: InProcessChannel

  /// - Parameters:
  ///   - other: whose database, clock, peers and mails to go on with, after a restart.
  ///   - wrap: what stands between the service and the database of `other`.
  init(
    after other: IdentityStack? = nil, cost: Argon2Parameters = .cheap,
    wrap: (any Database) -> any Database = { $0 }
  ) async throws {
    if let other {
      database = wrap(other.database)
    } else {
      database = try await Driver.openDatabase()
    }
    clock = other?.clock ?? ManualClock()
    peers = other?.peers ?? FakePeers()
    mail = other?.mail ?? RecordingMail()
    let lines = other?.log ?? RecordingLog.Lines()
    log = lines
    try await Migrator(IdentityServices.migrations).migrate(database)
    var relay = OutboxRelay.Configuration()
    relay.backOff = BackOff(first: .milliseconds(1), longest: .milliseconds(2))
    services = try await IdentityServices(
      database: database, clock: clock,
      passwords: PasswordHasher(parameters: cost, threads: 2, queueCapacity: 256),
      peers: IdentityServices.Peers(
        organizations: peers, shop: peers, mail: mail, mailSender: "noreply@kontor.example"),
      relayConfiguration: relay, logger: Logger(label: "test") { _ in RecordingLog(lines: lines) })
    channel = InProcessChannel(
      services.registrations, interceptors: services.interceptors,
      peer: Peer(remoteAddress: "127.0.0.1:1", certificateNames: ["kontor-gateway"]))
  }

  var signUps: SignUpServiceClient { SignUpServiceClient(channel: channel) }
  var sessions: SessionServiceClient { SessionServiceClient(channel: channel) }
  var users: UserServiceClient { UserServiceClient(channel: channel) }
  var verification: SessionVerificationServiceClient {
    SessionVerificationServiceClient(channel: channel)
  }

  static func signUpRequest(
    _ requestID: String = "sign-up-1", email: String = "ada@example.ch"
  ) -> SignUpRequest {
    SignUpRequest(
      requestID: requestID, email: email, password: password,
      party: BillingParty(
        givenName: "Ada", familyName: "Lovelace", street: "Bahnhofstrasse", buildingNumber: "1",
        postalCode: "8001", town: "Zürich", countryCode: "CH"),
      language: .english, acceptedTermsVersion: "2026-11", currencyCode: "CHF",
      lines: [OrderLine(planID: "web-hosting-start", months: 12, domainName: "ada.example")])
  }

  /// Runs the relay until a condition holds.
  func relaying(until condition: @Sendable () async throws -> Bool) async throws {
    let relay = Task { await services.relay.run() }
    defer { relay.cancel() }
    let deadline = Deadline(after: .seconds(20))
    while !deadline.isPast {
      if try await condition() { return }
      clock.advance(.microseconds(10))
      await Task.yield()
    }
    Issue.record("the condition did not come true")
  }

  /// The code of the newest mail to an address, once so many mails are there.
  func code(_ address: String = "ada@example.ch", mails: Int = 1) async throws -> String {
    try await relaying { self.mail.all(to: address).count >= mails }
    let text = try #require(mail.all(to: address).last).text
    return try #require(
      text.split(whereSeparator: \.isNewline).map(String.init).first {
        $0.count == 8 && $0.allSatisfy(\.isNumber)
      })
  }

  /// Signs a new user up and in.
  func account(_ address: String = "ada@example.ch") async throws -> SignInResponse {
    let signUp = try #require(
      try await signUps.signUp(
        Self.signUpRequest("sign-up-\(address.utf8.count)-\(address.first ?? "x")", email: address)
      ).signUp)
    _ = try await signUps.confirmSignUp(
      ConfirmSignUpRequest(
        requestID: "confirm-\(address.utf8.count)-\(address.first ?? "x")",
        signUpID: signUp.signUpID,
        code: try await code(address)))
    return try await signIn(address)
  }

  func signIn(
    _ address: String = "ada@example.ch", password: String = password, from source: String? = nil
  ) async throws -> SignInResponse {
    var options = CallOptions()
    if let source { options.metadata.append("x-forwarded-for", source) }
    return try await sessions.signIn(
      SignInRequest(email: address, password: password, deviceName: "test"), options: options)
  }

  /// Options of a signed-in call.
  func options(_ tokens: SessionTokens?) throws -> CallOptions {
    var options = CallOptions()
    options.metadata.append("authorization", "Bearer \(try #require(tokens).accessToken)")
    return options
  }

  /// All that the tables hold, as text: nothing secret may be in it.
  func dump(_ tables: [String]) async throws -> String {
    try await database.read { transaction in
      try tables.map { table in
        // Names of tables cannot be parameters.
        try transaction.rows(SQL(trustedText: "SELECT * FROM \(table)")).map { row in
          row.values.map { value in
            switch value {
            case .null: ""
            case .integer(let number): String(number)
            case .text(let text): text
            case .id(let id): id.text
            case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
            }
          }.joined(separator: "|")
        }.joined(separator: "\n")
      }.joined(separator: "\n")
    }
  }
}

extension Argon2Parameters {
  /// Cheap enough for tests.
  static let cheap = Argon2Parameters(memoryKibibytes: 8, iterations: 1, parallelism: 1)
}

/// The status of a call that has to fail.
func refusal<Response>(_ call: () async throws -> Response) async -> RPCError? {
  do {
    _ = try await call()
    Issue.record("the call has to be refused")
    return nil
  } catch let error as RPCError {
    return error
  } catch {
    Issue.record("not a status: \(error)")
    return nil
  }
}
