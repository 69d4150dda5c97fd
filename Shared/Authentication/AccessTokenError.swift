/// Why a token does not let its bearer in.
package enum AccessTokenError: Error, Sendable, Hashable {
  /// Longer than ``AccessToken/maximumBytes``, another version, or not four parts of the right
  /// shape.
  case malformed
  /// No key of the issuer has the id that the token names.
  case unknownKey
  /// The key is no longer to be trusted.
  case expiredKey
  /// The signature is not the key's over this text.
  case wrongSignature
  /// Another issuer made it.
  case wrongIssuer
  /// It is for somebody else.
  case wrongAudience
  /// It was issued in the future.
  case notYetValid
  /// Its time is over.
  case expired
}
