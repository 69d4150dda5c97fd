package import Cryptography
package import SQLCore

/// Secrets that a service makes for itself at its first start and keeps in its database (table
/// `service_secret`): 32 bytes each, the same on every start after.
package enum ServiceSecrets {
  private static let byteCount = 32

  /// The secret with a name, made where there is none yet.
  ///
  /// - Throws: `SQLError`.
  package static func secret(
    _ name: String, in database: any Database, random: any RandomSource = SecureRandom()
  ) async throws -> [UInt8] {
    let fresh = random.bytes(byteCount)
    return try await database.write { transaction in
      try transaction.execute(
        """
        INSERT INTO service_secret (name, value) VALUES (\(name), \(fresh))
        ON CONFLICT (name) DO NOTHING
        """)
      let row = try transaction.first("SELECT value FROM service_secret WHERE name = \(name)")
      guard let row else {
        throw SQLError(.unexpectedValue, "the secret \(name) is missing after it was stored")
      }
      return try row.blob("value")
    }
  }

  /// Keys the hashes of requests that an ``OperationStore`` keeps.
  ///
  /// - Throws: `SQLError`.
  package static func requestHashKey(in database: any Database) async throws -> [UInt8] {
    try await secret("request-hash", in: database)
  }
}
