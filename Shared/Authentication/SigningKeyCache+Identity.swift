internal import Cryptography
package import IdentityAPI
package import Logging
internal import RPCCore
internal import RequestValidation
internal import SharedDomain

extension SigningKeyCache {
  /// Asks identity.
  package convenience init(asking client: SessionVerificationServiceClient, logger: Logger) {
    self.init(logger: logger) { options in
      let response = try await client.listSigningKeys(ListSigningKeysRequest(), options: options)
      return try response.keys.map(VerificationKey.init)
    }
  }
}

extension VerificationKey {
  /// A key as it came from identity.
  ///
  /// - Throws: `CryptographyError` for a key of another length, `RPCError` for an expiry that is
  ///   no time.
  package init(_ message: SigningKey) throws {
    var expiresAt: Instant?
    if let time = message.expireTime {
      guard let instant = Instant(time) else {
        throw RPCError(.internalError, "the expiry of signing key \(message.keyID) is no time")
      }
      expiresAt = instant
    }
    self.init(
      id: message.keyID, publicKey: try Ed25519PublicKey(rawRepresentation: message.publicKey),
      expiresAt: expiresAt)
  }

  /// The key as it crosses the wire.
  package var message: SigningKey {
    SigningKey(
      keyID: id, publicKey: publicKey.rawRepresentation, expireTime: expiresAt?.timestamp)
  }
}
