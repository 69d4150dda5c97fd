internal import Synchronization

/// The sessions that a client can resume, by the name of the server that gave them.
final class SessionCache: Sendable {
  /// Sessions kept for one name: every event loop has a connection.
  private static let sessionsPerName = 16
  /// Names with sessions; a client talks to few.
  private static let names = 64

  private let sessions = Mutex<[String: [OpenSSLSession]]>([:])

  /// Keeps a session; the oldest of its name makes room.
  func put(_ session: OpenSSLSession, for name: String) {
    sessions.withLock { sessions in
      guard sessions[name] != nil || sessions.count < Self.names else { return }
      sessions[name, default: []].append(session)
      if sessions[name, default: []].count > Self.sessionsPerName {
        sessions[name, default: []].removeFirst()
      }
    }
  }

  /// The newest session of a name that is still good. One of TLS 1.3 is taken out: used twice, its
  /// ticket would tell an observer that both connections are one client's (RFC 8446, C.4).
  func take(for name: String) -> OpenSSLSession? {
    sessions.withLock { sessions in
      while let session = sessions[name]?.last {
        if session.isSingleUse || !session.isValid { sessions[name]?.removeLast() }
        if session.isValid { return session }
      }
      return nil
    }
  }
}
