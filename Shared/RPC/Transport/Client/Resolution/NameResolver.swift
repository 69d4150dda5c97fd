internal import Glibc
internal import NIOPosix
package import RPCCore

/// Finds the addresses of a name.
package protocol NameResolver: Sendable {
  /// The addresses of a host, in the order in which they should be tried; never blocks an event
  /// loop.
  ///
  /// - Throws: ``NameResolutionError``, or any error, when there is none.
  func addresses(of host: HostPort) async throws -> [HostPort]
}

/// A name without an address.
package struct NameResolutionError: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// The system's resolver: A and AAAA records, `/etc/hosts` and what else is configured
/// (`getaddrinfo`), on a thread that may block.
package struct SystemNameResolver: NameResolver {
  package init() {}

  package func addresses(of host: HostPort) async throws -> [HostPort] {
    let found = try await NIOThreadPool.singleton.runIfActive { try Self.lookUp(host.host) }
    return found.map { HostPort(host: $0, port: host.port) }
  }

  private static func lookUp(_ name: String) throws -> [String] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = unsafe getaddrinfo(name, nil, &hints, &list)
    defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
    guard result == 0 else {
      throw NameResolutionError(
        "the name \(name) does not resolve: \(unsafe String(cString: gai_strerror(result)))")
    }
    var found: [String] = []
    var entry = unsafe list
    while let current = unsafe entry {
      if let text = unsafe text(current.pointee), !found.contains(text) { found.append(text) }
      unsafe entry = unsafe current.pointee.ai_next
    }
    guard !found.isEmpty else {
      throw NameResolutionError("the name \(name) does not resolve: it has no address")
    }
    return found
  }

  /// The address in text.
  private static func text(_ info: addrinfo) -> String? {
    var room = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let result = unsafe getnameinfo(
      info.ai_addr, info.ai_addrlen, &room, socklen_t(room.count), nil, 0, NI_NUMERICHOST)
    guard result == 0 else { return nil }
    let bytes = room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
