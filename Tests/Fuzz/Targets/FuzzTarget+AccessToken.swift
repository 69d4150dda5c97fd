import Cryptography
import IdentityAPI
import Messages
import SharedDomain

@testable import Authentication

extension FuzzTarget {
  /// An access token: taken apart, and verified with a key that has signed one token only.
  static let accessToken = FuzzTarget(
    name: "access-token", maximumBytes: 1100,
    seeds: {
      let text = try AccessTokenRun.shared.get().text
      let parts = text.split(separator: ".")
      let claims = try AccessTokenRun.shared.get().claims
      return [
        Array(text.utf8), Array("\(parts[0]).\(parts[1]).AA.\(parts[3])".utf8),
        Array("kat2.k.\(parts[2]).\(parts[3])".utf8), claims,
      ]
    },
    run: { try AccessTokenRun.shared.get().run($0) })
}

private struct AccessTokenRun {
  /// The one token that was signed.
  let text: String
  /// Its claims, encoded.
  let claims: [UInt8]
  private let key: VerificationKey
  private let now = Instant(microseconds: 1_800_000_000_000_000)

  static let shared = Result { try AccessTokenRun() }

  private init() throws {
    let privateKey = try Ed25519PrivateKey(rawRepresentation: Array(1...32))
    key = VerificationKey(id: "k-1", publicKey: privateKey.publicKey, expiresAt: nil)
    guard let user = UserID("0190e6a0-0000-7000-8000-000000000001"),
      let session = SessionID("0190e6a0-0000-7000-8000-000000000002"),
      let organization = OrganizationID("0190e6a0-0000-7000-8000-000000000003")
    else { throw Violation(description: "the ids are none") }
    let claims = AccessClaims(
      userID: user, sessionID: session, organizationID: organization,
      issuedAt: now.advanced(by: .seconds(-60)), expiresAt: now.advanced(by: .seconds(600)))
    text = try AccessToken.signed(claims, keyID: "k-1") { try privateKey.sign($0) }
    self.claims = try claims.message.serialized()
  }

  func run(_ bytes: UnsafeRawBufferPointer) throws {
    // As claims behind a signature that holds.
    if let message = try? AccessTokenClaims(serialized: Array(bytes)),
      let claims = AccessClaims(message)
    {
      try check(AccessClaims(claims.message) == claims, "claims change on their way: \(claims)")
      try? claims.check(AccessTokenRules(), now: now)
    }
    let input = FuzzInput(bytes).text
    guard let token = try? AccessToken(parsing: input) else { return }
    let claims = Base64URL.encode(token.claims)
    try check(
      "kat1.\(token.keyID).\(claims).\(Base64URL.encode(token.signature))" == input,
      "two texts are one token: \(input)")
    try check(input.utf8.starts(with: token.signedText), "what is signed is not the token's")
    let verified = try? token.verifiedClaims(key, AccessTokenRules(), now: now)
    try check(verified == nil || input == text, "a forged token: \(input)")
  }
}
