import IdentityAPI
import Messages
import RPCCore
import SharedDomain
import Synchronization

/// Identity, as far as organizations calls it: sessions that are alive, or no answer at all.
final class FakeIdentity: ClientChannel {
  private struct State {
    var ended: Set<String> = []
    var failure: RPCError?
    var checks = 0
  }

  private let state = Mutex(State())

  func end(_ session: SessionID) { state.withLock { _ = $0.ended.insert(session.text) } }
  func fail(with error: RPCError?) { state.withLock { $0.failure = error } }
  var checks: Int { state.withLock { $0.checks } }

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    guard method == SessionVerificationServiceMethods.checkSession else {
      throw RPCError(.unimplemented, "no \(method.path)")
    }
    let request = try CheckSessionRequest(serialized: request)
    let isActive = try state.withLock { state in
      state.checks += 1
      if let failure = state.failure { throw failure }
      return !state.ended.contains(request.sessionID)
    }
    return RawResponse(message: try CheckSessionResponse(active: isActive).serialized())
  }

  func close() async {}
}
