internal import Cryptography
internal import IdentityAPI
internal import Messages
package import SharedDomain

/// An access token taken apart, not yet verified.
///
/// The text is `kat1.<key id>.<claims>.<signature>`: a version that fixes the algorithm (Ed25519)
/// and the kind of token, the id of the signing key, and the claims (`AccessTokenClaims`) and the
/// signature over the three parts before it, both in base64url without padding.
package struct AccessToken: Sendable, Hashable {
  /// The version that this program reads and writes.
  package static let version = "kat1"
  /// The most bytes of a token.
  package static let maximumBytes = 1024
  /// The most bytes of a key's id, of `[A-Za-z0-9_-]`.
  package static let maximumKeyIDBytes = 32
  /// Who makes the tokens of an installation, unless configured otherwise.
  package static let issuer = "kontor-identity"
  /// Whom they are for, unless configured otherwise.
  package static let audience = "kontor"

  /// The key that the token says it was signed with.
  package let keyID: String
  /// What is signed: the text's first three parts.
  package let signedText: [UInt8]
  /// The claims, encoded.
  package let claims: [UInt8]
  package let signature: [UInt8]

  /// Takes a token apart; reads nothing of the claims.
  package init(parsing text: String) throws(AccessTokenError) {
    let bytes = Array(text.utf8)
    guard bytes.count <= Self.maximumBytes else { throw .malformed }
    let parts = bytes.split(separator: 0x2E, maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].elementsEqual(Self.version.utf8),
      Self.isKeyID(parts[1]), !parts[2].isEmpty,
      let claims = Base64URL.decode(String(decoding: parts[2], as: UTF8.self)),
      let signature = Base64URL.decode(String(decoding: parts[3], as: UTF8.self)),
      signature.count == 64
    else { throw .malformed }
    keyID = String(decoding: parts[1], as: UTF8.self)
    signedText = Array(bytes[..<(parts[3].startIndex - 1)])
    self.claims = claims
    self.signature = signature
  }

  /// Signs claims: the text of a new token.
  ///
  /// - Parameters:
  ///   - keyID: 1 to 32 of `[A-Za-z0-9_-]`; anything else is a programmer's error.
  ///   - sign: the Ed25519 signature, 64 bytes, of what it is given.
  /// - Throws: what `sign` throws.
  package static func signed(
    _ claims: AccessClaims, keyID: String, sign: ([UInt8]) throws -> [UInt8]
  ) throws -> String {
    precondition(isKeyID(keyID.utf8), "a signing key's id is 1 to 32 of [A-Za-z0-9_-]")
    let encoded = Base64URL.encode(try claims.message.serialized())
    let text = "\(version).\(keyID).\(encoded)"
    return "\(text).\(Base64URL.encode(try sign(Array(text.utf8))))"
  }

  private static func isKeyID(_ bytes: some Collection<UInt8>) -> Bool {
    (1...maximumKeyIDBytes).contains(bytes.count)
      && bytes.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
      }
  }
}

/// What a verifier expects of a token besides the signature.
package struct AccessTokenRules: Sendable, Hashable {
  package var issuer: String
  package var audience: String
  /// How far the issuer's clock may be from the verifier's.
  package var clockSkew: Duration

  package init(
    issuer: String = AccessToken.issuer, audience: String = AccessToken.audience,
    clockSkew: Duration = .seconds(30)
  ) {
    self.issuer = issuer
    self.audience = audience
    self.clockSkew = clockSkew
  }
}

extension AccessToken {
  /// The claims, once everything about the token is in order.
  ///
  /// The signature comes before anything is read of the claims.
  package func verifiedClaims(
    _ key: VerificationKey, _ rules: AccessTokenRules, now: Instant
  ) throws(AccessTokenError) -> AccessClaims {
    guard key.id == keyID else { throw .unknownKey }
    try key.check(now: now)
    guard key.publicKey.isValidSignature(signature, for: signedText) else { throw .wrongSignature }
    guard let message = try? AccessTokenClaims(serialized: claims),
      let claims = AccessClaims(message)
    else { throw .malformed }
    try claims.check(rules, now: now)
    return claims
  }
}

extension VerificationKey {
  /// Whether the key is still to be trusted.
  func check(now: Instant) throws(AccessTokenError) {
    if let expiresAt, expiresAt <= now { throw .expiredKey }
  }
}

extension AccessClaims {
  /// Whether claims that were signed hold here and now.
  func check(_ rules: AccessTokenRules, now: Instant) throws(AccessTokenError) {
    guard issuer == rules.issuer else { throw .wrongIssuer }
    guard audience == rules.audience else { throw .wrongAudience }
    guard issuedAt < expiresAt else { throw .malformed }
    guard issuedAt <= now.advanced(by: rules.clockSkew) else { throw .notYetValid }
    guard now < expiresAt.advanced(by: rules.clockSkew) else { throw .expired }
  }
}
