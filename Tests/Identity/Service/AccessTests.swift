import Authentication
import IdentityAPI
import IdentityService
import RPCCore
import RPCInProcess
import SharedDomain
import TestSupport
import Testing

@Suite("Who may call identity", .onEachDriver)
struct AccessTests {
  private static let methods =
    SignUpServiceMethods.all + SessionServiceMethods.all + UserServiceMethods.all
    + SessionVerificationServiceMethods.all

  @Test("every RPC of the API is offered and has a policy, and no policy is left over")
  func policies() async throws {
    let stack = try await IdentityStack()
    let offered = Set(stack.services.registrations.flatMap(\.methods).map(\.method))
    #expect(offered == Set(Self.methods))
    #expect(Set(IdentityAccess.policies.keys) == Set(Self.methods.map(\.path)))
    #expect(
      AccessPolicy.missing(for: stack.services.registrations, in: IdentityAccess.policies).isEmpty)
  }

  @Test(
    "every RPC service names the peers that may call it, and only services may ask about sessions")
  func peers() async throws {
    let stack = try await IdentityStack()
    #expect(Set(IdentityAccess.allowedPeers.keys) == Set(stack.services.registrations.map(\.name)))
    for (service, peers) in IdentityAccess.allowedPeers {
      let isInternal = service.hasSuffix("SessionVerificationService")
      #expect(peers.contains(.gateway) != isInternal)
    }
  }

  @Test("what is not public needs a token", arguments: methods)
  func needsToken(method: MethodDescriptor) async throws {
    guard IdentityAccess.policies[method.path] == .authenticated else { return }
    let stack = try await IdentityStack()
    for (token, reason) in [
      (nil, "TOKEN_MISSING"), ("Bearer nonsense", "TOKEN_INVALID"),
      ("Bearer kat1.a.b.c", "TOKEN_INVALID"), ("Basic YTpi", "TOKEN_INVALID"),
    ] as [(String?, String)] {
      var options = CallOptions()
      if let token { options.metadata.append("authorization", token) }
      let error = await refusal {
        try await stack.channel.unary(method, request: [], options: options)
      }
      #expect(error?.code == .unauthenticated)
      #expect(error?.reason == reason)
    }
  }
}
