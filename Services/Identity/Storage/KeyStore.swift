package import SQLCore
internal import ServiceStorage
package import SharedDomain

/// The keys that sign access tokens (table `signing_key`).
package enum KeyStore {
  /// A key that signs access tokens, as it is stored.
  package struct SigningKeyRow: Sendable, Hashable {
    package let id: String
    /// The raw Ed25519 private key, 32 bytes.
    package let privateKey: [UInt8]
    package let createdAt: Instant
    /// When tokens by this key are no longer trusted; nil for the one in use.
    package let expiresAt: Instant?

    package init(id: String, privateKey: [UInt8], createdAt: Instant, expiresAt: Instant?) {
      self.id = id
      self.privateKey = privateKey
      self.createdAt = createdAt
      self.expiresAt = expiresAt
    }
  }

  /// The keys, newest first.
  package static func signingKeys(in transaction: any Transaction) throws -> [SigningKeyRow] {
    try transaction.rows(
      """
      SELECT id, private_key, created_us, expires_us FROM signing_key
      ORDER BY created_us DESC, id
      """
    ).map { row in
      SigningKeyRow(
        id: try row.text("id"), privateKey: try row.blob("private_key"),
        createdAt: try row.instant("created_us"), expiresAt: try row.optionalInstant("expires_us"))
    }
  }

  /// Puts a new key into use; the one in use until now expires at the given instant.
  package static func rotate(
    to key: SigningKeyRow, replacedExpiresAt expiry: Instant, in transaction: any Transaction
  ) throws {
    try transaction.execute(
      "UPDATE signing_key SET expires_us = \(expiry) WHERE expires_us IS NULL")
    try transaction.execute(
      """
      INSERT INTO signing_key (id, private_key, created_us, expires_us)
      VALUES (\(key.id), \(key.privateKey), \(key.createdAt), \(key.expiresAt))
      """)
  }

  /// Deletes the keys whose tokens can no longer be met.
  package static func deleteSigningKeys(
    expiredBefore instant: Instant, in transaction: any Transaction
  ) throws {
    try transaction.execute("DELETE FROM signing_key WHERE expires_us < \(instant)")
  }
}
