package import Cryptography
package import SharedDomain

/// A public key of the issuer that verifies access tokens.
package struct VerificationKey: Sendable {
  /// Names the key in tokens.
  package let id: String
  package let publicKey: Ed25519PublicKey
  /// When tokens by this key are no longer to be trusted; nil for the one in use.
  package let expiresAt: Instant?

  package init(id: String, publicKey: Ed25519PublicKey, expiresAt: Instant?) {
    self.id = id
    self.publicKey = publicKey
    self.expiresAt = expiresAt
  }
}
