internal import Glibc
internal import RPCCore

/// One method of a server.
final class MethodEntry: Sendable {
  let handler: MethodHandler
  /// The handler of a unary method.
  let unary: @Sendable (UnaryInvocation) async throws -> Void
  let method: MethodDescriptor
  /// Position in the server's list, for per-connection tables.
  let index: Int
  let path: [UInt8]

  init(handler: MethodHandler, index: Int) {
    self.handler = handler
    unary = handler.unary
    method = handler.method
    self.index = index
    path = Array(handler.method.path.utf8)
  }
}

/// Finds methods by path.
struct Router: Sendable {
  /// Paths beyond this are nobody's.
  private static let maximumPathBytes = 256

  let count: Int
  /// Entries by the length of their path.
  private let byLength: [[MethodEntry]]

  /// - Precondition: no two methods share a path.
  init(_ services: [ServiceRegistration]) {
    var table = [[MethodEntry]](repeating: [], count: Self.maximumPathBytes + 1)
    var index = 0
    for handler in services.flatMap(\.methods) {
      let entry = MethodEntry(handler: handler, index: index)
      precondition(entry.path.count <= Self.maximumPathBytes, "a path has at most 256 bytes")
      precondition(
        !table[entry.path.count].contains { $0.path == entry.path },
        "a method is registered once")
      table[entry.path.count].append(entry)
      index += 1
    }
    byLength = table
    count = index
  }

  /// The method of an exact, case-sensitive path.
  func find(_ path: UnsafeBufferPointer<UInt8>) -> MethodEntry? {
    guard path.count < byLength.count, let start = path.baseAddress else { return nil }
    for entry in byLength[path.count] {
      let isSame = unsafe entry.path.withUnsafeBufferPointer { candidate in
        unsafe candidate.baseAddress.map { unsafe memcmp($0, start, path.count) == 0 } ?? false
      }
      if isSame { return entry }
    }
    return nil
  }
}
