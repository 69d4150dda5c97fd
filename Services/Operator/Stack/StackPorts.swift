package import Bootstrap
internal import Glibc

/// The loopback port of each service.
package struct StackPorts: Sendable, Hashable {
  private let ports: [ServiceName: Int]

  /// The gateway's port; the other services follow it, in the order of their names' list. Port 0
  /// stands for ports that are free now.
  ///
  /// - Throws: ``OperatorError`` naming a port that is taken or out of range.
  package init(gateway: Int) throws(OperatorError) {
    let count = ServiceName.allCases.count
    guard gateway == 0 || (1...65_536 - count).contains(gateway) else {
      throw OperatorError("port \(gateway) is out of range: 0 to \(65_536 - count)")
    }
    let first = gateway == 0 ? try StackPorts.freeRange(count) : gateway
    var ports: [ServiceName: Int] = [.gateway: first]
    for (index, service) in ServiceName.allCases.filter({ $0 != .gateway }).enumerated() {
      ports[service] = first + 1 + index
    }
    self.ports = ports
    for (service, port) in ports.sorted(by: { $0.value < $1.value })
    where !StackPorts.isFree(port) {
      throw OperatorError(
        "port \(port) on 127.0.0.1, for \(service.executable), is taken; choose others with --port "
          + "(the gateway's; the other services take the \(count - 1) after it)")
    }
  }

  /// Reads what ``text`` wrote; nil for anything else.
  init?(_ text: String) {
    var ports: [ServiceName: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 2, let service = ServiceName(rawValue: String(words[0])),
        let port = Int(words[1])
      else { return nil }
      ports[service] = port
    }
    guard ports.count == ServiceName.allCases.count else { return nil }
    self.ports = ports
  }

  /// One line for each service.
  var text: String {
    ServiceName.allCases.map { "\($0.rawValue) \(self[$0])\n" }.joined()
  }

  package subscript(_ service: ServiceName) -> Int { ports[service] ?? service.defaultPort }

  /// The first of `count` consecutive free ports.
  private static func freeRange(_ count: Int) throws(OperatorError) -> Int {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let first = Int.random(in: 20_000...60_000, using: &generator)
      if (first..<first + count).allSatisfy(isFree) { return first }
    }
    throw OperatorError("no \(count) consecutive ports are free")
  }

  /// Whether a service could listen on the port now.
  private static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var reuse: Int32 = 1
    setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
