/// An RPC method: its names, its shape and whether it only reads.
package struct MethodDescriptor: Sendable {
  /// The four kinds of call.
  package enum Kind: Sendable, Hashable {
    case unary
    case clientStreaming
    case serverStreaming
    case bidirectional
  }

  /// The texts, which every call refers to: one object, so that a copy costs one reference count.
  private final class Names: Sendable {
    let service: String
    let name: String
    let path: String

    init(service: String, name: String, path: String) {
      self.service = service
      self.name = name
      self.path = path
    }
  }

  private let names: Names
  /// The full name of the service, for example `kontor.shop.v1.OrderService`.
  package var service: String { names.service }
  /// The method's name, for example `PlaceOrder`.
  package var name: String { names.name }
  /// `/service/name`, the `:path` of the request.
  package var path: String { names.path }
  package let kind: Kind
  /// True where `idempotency_level` is NO_SIDE_EFFECTS.
  package let isReadOnly: Bool

  package init(service: String, name: String, kind: Kind = .unary, isReadOnly: Bool = false) {
    names = Names(service: service, name: name, path: "/\(service)/\(name)")
    self.kind = kind
    self.isReadOnly = isReadOnly
  }

  /// The descriptor of a path that no registered method has, as a raw handler sees it.
  ///
  /// Nil unless the path is `/service/name` with both parts present.
  package init?(path: String) {
    guard path.utf8.first == 0x2F else { return nil }
    let parts = path.utf8.dropFirst().split(
      separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !parts[1].contains(0x2F)
    else { return nil }
    names = Names(
      service: String(Substring(parts[0])), name: String(Substring(parts[1])), path: path)
    kind = .unary
    isReadOnly = false
  }
}

extension MethodDescriptor: Hashable {
  /// Methods are equal when their paths are.
  package static func == (left: Self, right: Self) -> Bool { left.path == right.path }
  package func hash(into hasher: inout Hasher) { hasher.combine(path) }
}
