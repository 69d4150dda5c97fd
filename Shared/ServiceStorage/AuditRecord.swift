internal import SQLCore
package import SharedDomain

/// What is written down of one change: who, from where, what, before and after (ORG-8).
package struct AuditRecord: Sendable, Hashable {
  package var id: UniqueID
  package var organizationID: OrganizationID
  package var at: Instant
  /// Who did it, by id: `user:<id>`, `service:shop`, `support:<id>`.
  package var actor: String
  /// What was done, `noun.verb` in lower case: `membership.created`, `top_up.settled`.
  package var action: String
  /// What it was done to, by id: `user:<id>`, `product:<id>`.
  package var target: String
  /// Everything else; personal values are marked.
  package var fields: [AuditField]

  /// - Parameter source: from where, an address or a device: personal values of the actor.
  package init(
    id: UniqueID, organizationID: OrganizationID, at: Instant, actor: String, action: String,
    target: String, source: String?, fields: [AuditField] = []
  ) {
    self.id = id
    self.organizationID = organizationID
    self.at = at
    self.actor = actor
    self.action = action
    self.target = target
    self.fields = fields
    if let source {
      self.fields.append(.personal("source", after: source, subject: actor))
    }
  }
}

/// One value that a change set, with what it was before.
package struct AuditField: Sendable, Hashable {
  package let name: String
  /// nil where there was none, or where it was erased.
  package let before: String?
  package let after: String?
  /// Whose personal value this is, `user:<id>`; nil when it is nobody's. A personal value is in the
  /// chain as a salted commitment only and can be erased.
  package let subject: String?

  private init(name: String, before: String?, after: String?, subject: String?) {
    self.name = name
    self.before = before
    self.after = after
    self.subject = subject
  }

  /// A value that identifies nobody: a role, a plan, an id. It is in the chain and stays.
  package static func plain(
    _ name: String, before: String? = nil, after: String? = nil
  ) -> AuditField {
    AuditField(name: name, before: before, after: after, subject: nil)
  }

  /// A name, an address or anything else of a person.
  package static func personal(
    _ name: String, before: String? = nil, after: String? = nil, subject: String
  ) -> AuditField {
    AuditField(name: name, before: before, after: after, subject: subject)
  }
}

/// An entry of the log as it is read.
package struct AuditEntry: Sendable, Hashable {
  /// Where a page that begins behind this entry goes on; no count of anything.
  package let position: Int64
  /// Counts from 1 in each organization, without gaps.
  package let sequence: Int64
  package let record: AuditRecord
  /// The chain up to this entry, 32 bytes.
  package let hash: [UInt8]
}

/// What a check of an organization's chain found.
package enum AuditVerification: Sendable, Hashable {
  /// All entries are as they were written. Whoever can write all tables can also write a new chain:
  /// that is found only with a head that was signed or kept elsewhere.
  case intact(entries: Int64, head: [UInt8])
  /// The entry with this sequence, or one that should have it, is not what was written.
  case broken(sequence: Int64, reason: String)
}
