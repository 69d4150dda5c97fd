import Cryptography
import GoogleAPI
import Logging
import Messages
import RPCCore
import SharedDomain
import Testing

@testable import Authentication

@Suite("Verifying the same token again")
struct AccessTokenVerifierTests {
  private let clock = ManualClock(start)
  private let uptime = ManualUptime()
  private let issuer: Box<[VerificationKey]>
  private let signer: Signer

  init() throws {
    signer = try Signer(1)
    issuer = Box([signer.verificationKey()])
  }

  private func verifier() -> AccessTokenVerifier {
    let (issuer, uptime) = (issuer, uptime)
    return AccessTokenVerifier(
      keys: SigningKeyCache(logger: silent, uptime: { uptime.now }) { _ in issuer.value },
      clock: clock)
  }

  private func reason(_ verifier: AccessTokenVerifier, _ token: String) async -> String? {
    do {
      _ = try await verifier.verifiedClaims(of: token, CallOptions())
      return nil
    } catch {
      return (error as? RPCError)?.reason
    }
  }

  @Test("a token seen before still expires")
  func expiry() async throws {
    let verifier = verifier()
    let token = try signer.token(claims())
    for _ in 0..<3 {
      #expect(try await verifier.verifiedClaims(of: token, CallOptions()) == claims())
    }
    clock.advance(by: .minutes(11))
    #expect(await reason(verifier, token) == "TOKEN_EXPIRED")
  }

  @Test("a token seen before ends with its key")
  func keyExpiry() async throws {
    issuer.value = [signer.verificationKey(expiresAt: start.advanced(by: .minutes(1)))]
    let verifier = verifier()
    let token = try signer.token(claims())
    #expect(await reason(verifier, token) == nil)
    clock.advance(by: .minutes(1))
    #expect(await reason(verifier, token) == "TOKEN_INVALID")
  }

  @Test("a token seen before is refused once its key is withdrawn or another has its id")
  func keyWithdrawal() async throws {
    let verifier = verifier()
    let token = try signer.token(claims())
    #expect(await reason(verifier, token) == nil)
    let other = try Signer(2).key.publicKey
    issuer.value = [VerificationKey(id: signer.id, publicKey: other, expiresAt: nil)]
    uptime.advance(by: .minutes(5))
    #expect(await reason(verifier, token) == "TOKEN_INVALID")
    issuer.value = []
    uptime.advance(by: .minutes(5))
    #expect(await reason(verifier, token) == "TOKEN_INVALID")
  }

  @Test("a near copy of a token seen before is verified on its own")
  func nearCopy() async throws {
    let verifier = verifier()
    let token = try signer.token(claims())
    #expect(await reason(verifier, token) == nil)
    #expect(await reason(verifier, String(token.dropLast()) + "x") == "TOKEN_INVALID")
    #expect(await reason(verifier, token) == nil)
  }

  @Test("what is remembered has a limit, and what is used stays")
  func limit() throws {
    let tokens = VerifiedTokens(capacity: 10)
    let entry = VerifiedTokens.Entry(claims: claims(), publicKey: signer.key.publicKey)
    tokens.add(entry, of: "used")
    for number in 0..<1000 {
      tokens.add(entry, of: "token \(number)")
      #expect(tokens.entry(of: "used") != nil)
      #expect(tokens.count <= 20)
    }
    #expect(tokens.entry(of: "token 0") == nil)
    #expect(tokens.entry(of: "token 999") != nil)
  }

  @Test("a server with a method that has no policy does not start")
  func startIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let method = MethodDescriptor(service: "a.Service", name: "Forgotten")
      let registration = ServiceRegistration(
        name: "a.Service",
        methods: [
          MethodHandler(unary: method) { (request: Timestamp, _) in request }
        ])
      _ = AuthenticationInterceptor(
        policies: [:], registrations: [registration],
        tokens: AccessTokenVerifier(
          keys: SigningKeyCache(logger: silent) { _ in [] }, clock: ManualClock(start)),
        checker: AccessChecker { _, _ in .sessionEnded })
    }
  }
}
