package import SQLCore

/// Secrets that the service makes for itself at its first start.
package enum SecretTable {
  /// The secret with a name; `fresh` is stored and answered where there is none.
  package static func secret(
    _ name: String, orStore fresh: [UInt8], in transaction: any Transaction
  ) throws(SQLError) -> [UInt8] {
    try transaction.execute(
      """
      INSERT INTO service_secret (name, value) VALUES (\(name), \(fresh))
      ON CONFLICT (name) DO NOTHING
      """)
    let row = try transaction.first("SELECT value FROM service_secret WHERE name = \(name)")
    return try row?.blob("value") ?? fresh
  }
}
