/// Where an organization stands in its life (ORG-7).
package enum OrganizationState: String, Sendable, Hashable, CaseIterable {
  /// In use.
  case active = "ACTIVE"
  /// Being deleted: new writes are refused everywhere.
  case closing = "CLOSING"
  /// Deleted; its books stay.
  case deleted = "DELETED"
}
