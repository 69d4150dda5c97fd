package import SQLCore
package import SharedDomain

/// The catalogue's versions, as the texts that were loaded.
package enum CatalogueTable {
  /// What storing a version came to.
  package enum Outcome: Sendable, Hashable {
    case stored
    /// The version was there with the same content.
    case known
    /// The version was there with other content; nothing was changed.
    case contentDiffers
  }

  /// Stores a version, unless it is there.
  package static func store(
    version: String, content: String, at now: Instant, in transaction: any Transaction
  ) throws(SQLError) -> Outcome {
    if let stored = try self.content(of: version, in: transaction) {
      return stored == content ? .known : .contentDiffers
    }
    try transaction.execute(
      """
      INSERT INTO catalogue_version (version, content, loaded_at_us)
      VALUES (\(version), \(content), \(now.microseconds))
      """)
    return .stored
  }

  /// The text of a version, or nil.
  package static func content(
    of version: String, in transaction: any Transaction
  ) throws(SQLError) -> String? {
    try transaction.first(
      "SELECT content FROM catalogue_version WHERE version = \(version)")?.text("content")
  }
}
