internal import Authentication
internal import RPCCore
internal import SharedDomain

extension ServerContext {
  /// The signed-in caller.
  func caller() throws(RPCError) -> Principal {
    guard let principal else { throw .tokenMissing() }
    return principal
  }

  /// Options for a call to a peer: never without a time limit.
  func peerOptions(atMost limit: Duration = .seconds(10)) -> CallOptions {
    var options = callOptions()
    options.timeout = min(options.timeout ?? limit, limit)
    return options
  }
}
