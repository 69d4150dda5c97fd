internal import RPCCore
internal import SharedDomain

extension RPCError {
  /// What a caller is told when a peer did not do what it was asked, through no fault of theirs:
  /// UNAVAILABLE, for the peer may answer later.
  ///
  /// A call that was cancelled or whose own time is over ends as such.
  static func peerFailed(
    _ peer: String, _ error: any Error, _ context: ServerContext
  ) -> any Error {
    guard error is RPCError, !Task.isCancelled, context.deadline?.isPast != true else {
      return error
    }
    return RPCError(
      .unavailable, reason: "\(peer.uppercased())_UNAVAILABLE",
      "\(peer) did not answer: try again in a moment")
  }
}
