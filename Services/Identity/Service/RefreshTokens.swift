internal import Cryptography

/// Refresh tokens: `krt1.` and 256 random bits in base64url. Only their hash is stored.
enum RefreshTokens {
  private static let prefix = "krt1."

  /// A new token.
  static func make(_ random: any RandomSource) -> String {
    prefix + random.token(byteCount: 32)
  }

  /// What is stored of a token; nil for a text that is none.
  static func hash(_ token: String) -> [UInt8]? {
    guard token.utf8.count == prefix.utf8.count + 43, token.hasPrefix(prefix),
      let secret = Base64URL.decode(String(token.dropFirst(prefix.count))), secret.count == 32
    else { return nil }
    return SHA256.hash(token)
  }
}
