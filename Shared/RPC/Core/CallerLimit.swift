internal import SharedDomain
internal import Synchronization

/// Bounds how many calls one caller may have under way: the signed-in user or, where nobody is
/// signed in, the peer by its certificate's name or its address.
///
/// To be the last interceptor, behind the one that finds the principal out.
package final class CallerLimit: ServerInterceptor {
  private enum Caller: Hashable {
    case user(UserID)
    case peer(String)
  }

  private let callsPerUser: Int
  private let callsPerPeer: Int
  private let underWay = Mutex<[Caller: Int]>([:])

  package init(callsPerUser: Int, callsPerPeer: Int) {
    self.callsPerUser = callsPerUser
    self.callsPerPeer = callsPerPeer
  }

  package func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    let caller: Caller
    let limit: Int
    if let principal = context.principal {
      caller = .user(principal.userID)
      limit = callsPerUser
    } else {
      caller = .peer(context.peer.certificateNames.first ?? context.peer.host)
      limit = callsPerPeer
    }
    let isFree = underWay.withLock { calls in
      guard calls[caller, default: 0] < limit else { return false }
      calls[caller, default: 0] += 1
      return true
    }
    guard isFree else {
      throw RPCError(
        .resourceExhausted, reason: "TOO_MANY_CALLS",
        "\(limit) calls of this caller are under way, the most at once; wait for one to end",
        metadata: ["limit": "\(limit)"])
    }
    defer {
      underWay.withLock { calls in
        let left = calls[caller, default: 1] - 1
        calls[caller] = left > 0 ? left : nil
      }
    }
    try await proceed(context)
  }

  /// Callers with calls under way.
  package var callers: Int { underWay.withLock { $0.count } }
}

extension Peer {
  /// The address without its port.
  fileprivate var host: String {
    remoteAddress.lastIndex(of: ":").map { String(remoteAddress[..<$0]) } ?? remoteAddress
  }
}
