/// An RPC method: its names, its shape and whether it may be repeated.
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
  /// What repeating a call does (`google.protobuf.MethodOptions.IdempotencyLevel`).
  package enum Idempotency: Sendable, Hashable {
    /// Perhaps more than the first call did.
    case unknown
    /// No more than the first call did, for the same request.
    case idempotent
    /// Nothing, as the first call did: the method only reads.
    case noSideEffects
  }

  /// The full name of the service, for example `kontor.shop.v1.OrderService`.
  package var service: String { names.service }
  /// The method's name, for example `PlaceOrder`.
  package var name: String { names.name }
  /// `/service/name`, the `:path` of the request.
  package var path: String { names.path }
  package let kind: Kind
  /// The method's `idempotency_level`.
  package let idempotency: Idempotency

  package init(
    service: String, name: String, kind: Kind = .unary, idempotency: Idempotency = .unknown
  ) {
    names = Names(service: service, name: name, path: "/\(service)/\(name)")
    self.kind = kind
    self.idempotency = idempotency
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
    idempotency = .unknown
  }
}

extension MethodDescriptor {
  /// True when the other one is a copy of this; false says nothing.
  func isSame(as other: Self) -> Bool {
    names === other.names && kind == other.kind && idempotency == other.idempotency
  }

  /// True where `idempotency_level` is NO_SIDE_EFFECTS.
  package var isReadOnly: Bool { idempotency == .noSideEffects }
}

extension MethodDescriptor: Hashable {
  /// Methods are equal when their paths are.
  package static func == (left: Self, right: Self) -> Bool { left.path == right.path }
  package func hash(into hasher: inout Hasher) { hasher.combine(path) }
}
