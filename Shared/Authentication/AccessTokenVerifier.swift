package import RPCCore
package import SharedDomain

/// Verifies the access tokens that callers present (offline, with the issuer's cached keys).
package struct AccessTokenVerifier: Sendable {
  private let keys: SigningKeyCache
  private let rules: AccessTokenRules
  private let clock: any WallClock
  private let verified = VerifiedTokens()

  package init(
    keys: SigningKeyCache, rules: AccessTokenRules = AccessTokenRules(), clock: any WallClock
  ) {
    self.keys = keys
    self.rules = rules
    self.clock = clock
  }

  /// The claims of the token in a call's metadata, `authorization: Bearer <token>`.
  ///
  /// - Throws: `RPCError` UNAUTHENTICATED with reason TOKEN_MISSING, TOKEN_INVALID or
  ///   TOKEN_EXPIRED; UNAVAILABLE where the keys cannot be had.
  package func verifiedClaims(of context: ServerContext) async throws -> AccessClaims {
    let values = context.metadata.values("authorization")
    guard let value = values.first else { throw RPCError.tokenMissing() }
    guard values.count == 1, let token = Self.bearerToken(value) else {
      throw RPCError.tokenInvalid()
    }
    return try await verifiedClaims(of: token, context.callOptions())
  }

  /// The claims of a token. The signature of one that was seen before is not computed again; its
  /// key's and its own times are checked at each call.
  package func verifiedClaims(of text: String, _ options: CallOptions) async throws -> AccessClaims
  {
    do {
      let token = try AccessToken(parsing: text)
      guard let key = try await keys.key(token.keyID, options) else {
        throw AccessTokenError.unknownKey
      }
      if let entry = verified.entry(of: text), entry.publicKey == key.publicKey {
        try key.check(now: clock.now())
        try entry.claims.check(rules, now: clock.now())
        return entry.claims
      }
      let claims = try token.verifiedClaims(key, rules, now: clock.now())
      verified.add(VerifiedTokens.Entry(claims: claims, publicKey: key.publicKey), of: text)
      return claims
    } catch let error as AccessTokenError {
      throw error == .expired ? RPCError.tokenExpired() : RPCError.tokenInvalid()
    }
  }

  /// The token of a header's value; the scheme's case does not count (RFC 9110, section 11.1).
  static func bearerToken(_ value: String) -> String? {
    let bytes = value.utf8
    guard let space = bytes.firstIndex(of: 0x20),
      value[..<space].lowercased() == "bearer"
    else { return nil }
    let token = value[bytes.index(after: space)...]
    return token.isEmpty ? nil : String(token)
  }
}
