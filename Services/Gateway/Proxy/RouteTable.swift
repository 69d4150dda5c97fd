package import RPCCore

/// Which backend answers which method. What is not in the table does not exist for clients.
package struct RouteTable: Sendable {
  /// A method that clients may call, and where it goes.
  package struct Route: Sendable, Hashable {
    package let backend: Backend
    package let method: MethodDescriptor
  }

  private let routes: [String: Route]

  /// Takes each backend's methods; a method with two backends is a programmer's error.
  package init(_ methods: [Backend: [MethodDescriptor]]) {
    var routes: [String: Route] = [:]
    for (backend, methods) in methods {
      for method in methods {
        let former = routes.updateValue(
          Route(backend: backend, method: method), forKey: method.path)
        precondition(former == nil, "\(method.path) has two routes")
      }
    }
    self.routes = routes
  }

  /// The route of a request's path, or nil.
  package subscript(path: String) -> Route? { routes[path] }

  /// All routes, by path.
  package var all: [Route] { routes.values.sorted { $0.method.path < $1.method.path } }

  /// The full names of all routed services, sorted.
  package var services: [String] { Set(routes.values.map(\.method.service)).sorted() }

  /// The full names of a backend's routed services, sorted.
  package func services(of backend: Backend) -> [String] {
    Set(routes.values.filter { $0.backend == backend }.map(\.method.service)).sorted()
  }
}
