internal import Glibc
internal import RPCCore

/// One method of a server.
final class MethodEntry: Sendable {
  let handler: MethodHandler
  /// The handler of a unary method.
  let unary: @Sendable (any UnaryCalls) async -> Void
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

  /// Whether the method's path is this one, which is as long.
  fileprivate func has(_ other: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe path.withUnsafeBufferPointer { path in
      guard let start = path.baseAddress, let other = other.baseAddress else { return false }
      return unsafe memcmp(start, other, path.count) == 0
    }
  }
}

/// Finds methods by path.
final class Router: Sendable {
  /// Paths beyond this are nobody's.
  private static let maximumPathBytes = 256

  /// Every method, by its index.
  let entries: [MethodEntry]
  /// The entries by the length of their path.
  private let byLength: [[MethodEntry]]

  /// - Precondition: no two methods share a path.
  init(_ services: [ServiceRegistration]) {
    var table = [[MethodEntry]](repeating: [], count: Self.maximumPathBytes + 1)
    var entries: [MethodEntry] = []
    for handler in services.flatMap(\.methods) {
      let entry = MethodEntry(handler: handler, index: entries.count)
      precondition(entry.path.count <= Self.maximumPathBytes, "a path has at most 256 bytes")
      precondition(
        !table[entry.path.count].contains { $0.path == entry.path },
        "a method is registered once")
      table[entry.path.count].append(entry)
      entries.append(entry)
    }
    byLength = table
    self.entries = entries
  }

  /// The index of the method of an exact, case-sensitive path.
  func find(_ path: UnsafeBufferPointer<UInt8>) -> Int? {
    guard path.count < byLength.count else { return nil }
    return unsafe byLength[path.count].withUnsafeBufferPointer { candidates in
      for position in 0..<candidates.count where unsafe candidates[position].has(path) {
        return unsafe candidates[position].index
      }
      return nil
    }
  }
}
