package import RPCCore
package import SharedDomain

/// Who may call a method. Every method of a server has one.
package enum AccessPolicy: Sendable, Hashable {
  /// Anybody; a token that comes along is not looked at.
  case `public`
  /// A user with a live session; no organization is needed, and none is looked up: the principal
  /// has no membership.
  case authenticated
  /// A member of the active organization with the permission (ORG-3).
  case permission(Permission)
  /// Another service, known by its verified certificate. Which one is the transport's list.
  case internalOnly
}

extension AccessPolicy {
  /// The paths of the methods that have no policy, in the order of registration.
  ///
  /// `ServiceRegistration`s of the infrastructure (health) need none.
  package static func missing(
    for registrations: [ServiceRegistration], in policies: [String: AccessPolicy]
  ) -> [String] {
    registrations.filter { !infrastructureServices.contains($0.name) }.flatMap(\.methods)
      .map(\.method.path).filter { policies[$0] == nil }
  }

  /// RPC services that every server offers and that tell nothing about customers.
  package static let infrastructureServices: Set<String> = [
    "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
  ]
}

extension [String: AccessPolicy] {
  /// One policy for each of some methods, to be merged into a service's table.
  package init(_ policy: AccessPolicy, for methods: [MethodDescriptor]) {
    self.init(uniqueKeysWithValues: methods.map { ($0.path, policy) })
  }
}
