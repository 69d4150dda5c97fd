internal import Authentication
internal import IdentityAPI
internal import OrganizationsDomain
internal import OrganizationsStorage
internal import RPCCore
internal import SQLCore
internal import SharedDomain

/// Finds what a subject may do now: the session by identity, the membership in the own tables.
struct AccessLookup: Sendable {
  /// What was found.
  struct Finding: Sendable, Hashable {
    let isSessionActive: Bool
    /// Nil for an ended session, where no organization was asked for, and for strangers.
    let view: MemberView?

    var access: Access {
      Access(
        isSessionActive: isSessionActive,
        organization: view.map {
          OrganizationAccess(membership: $0.membership, state: $0.organization.state)
        })
    }
  }

  private struct SessionKey: Hashable {
    let userID: UserID
    let sessionID: SessionID
  }

  private let database: any Database
  private let sessions: SessionVerificationServiceClient
  private let coalescer = RequestCoalescer<SessionKey, Bool>()

  init(database: any Database, sessions: SessionVerificationServiceClient) {
    self.database = database
    self.sessions = sessions
  }

  /// The subject's session and membership, both as they are after the call began (ORG-4).
  ///
  /// - Throws: `RPCError` UNAVAILABLE (reason `IDENTITY_UNAVAILABLE`) where identity does not
  ///   answer, DEADLINE_EXCEEDED and CANCELLED where the call itself ended; `SQLError`.
  func find(_ subject: AccessSubject, _ options: CallOptions) async throws -> Finding {
    guard try await isSessionActive(subject, options) else {
      return Finding(isSessionActive: false, view: nil)
    }
    guard let organizationID = subject.organizationID else {
      return Finding(isSessionActive: true, view: nil)
    }
    let view = try await database.read { transaction in
      try OrganizationStore.membership(of: subject.userID, in: organizationID, transaction)
    }
    return Finding(isSessionActive: true, view: view)
  }

  private func isSessionActive(
    _ subject: AccessSubject, _ options: CallOptions
  ) async throws -> Bool {
    let key = SessionKey(userID: subject.userID, sessionID: subject.sessionID)
    do {
      return try await coalescer.value(for: key) {
        let request = CheckSessionRequest(
          sessionID: key.sessionID.text, userID: key.userID.text)
        return try await sessions.checkSession(request, options: options).active
      }
    } catch let error as RPCError
      where error.code != .cancelled && error.code != .deadlineExceeded
    {
      throw RPCError(
        .unavailable, reason: "IDENTITY_UNAVAILABLE",
        "sessions cannot be checked now; try again in a moment")
    }
  }
}
