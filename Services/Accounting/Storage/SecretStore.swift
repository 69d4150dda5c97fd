package import SQLCore

/// Secrets that the service makes for itself at its first start (table `service_secret`).
package enum SecretStore {
  /// The secret with a name; `fresh` becomes it where there is none yet.
  package static func secret(
    _ name: String, orStore fresh: [UInt8], in transaction: any Transaction
  ) throws(SQLError) -> [UInt8] {
    try transaction.execute(
      """
      INSERT INTO service_secret (name, value) VALUES (\(name), \(fresh))
      ON CONFLICT (name) DO NOTHING
      """)
    let row = try transaction.first("SELECT value FROM service_secret WHERE name = \(name)")
    guard let row else { throw SQLError(.unexpectedValue, "the secret \(name) was not kept") }
    return try row.blob("value")
  }
}
