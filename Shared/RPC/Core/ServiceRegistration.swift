/// A service's methods, as generated code hands them to a server.
package struct ServiceRegistration: Sendable {
  /// The full name, for example `kontor.shop.v1.OrderService`.
  package let name: String
  package let methods: [MethodHandler]

  package init(name: String, methods: [MethodHandler]) {
    self.name = name
    self.methods = methods
  }
}
