internal import Bootstrap
internal import Glibc
package import SharedDomain

/// The loopback port of each service.
package struct StackPorts: Sendable, Hashable {
  private let ports: [ServiceName: Int]

  /// The gateway's port and the first of the other services' ports, which are consecutive in the
  /// order of their names' list and follow the gateway's unless chosen. Port 0 stands for ports that
  /// are free now.
  ///
  /// - Throws: ``OperatorError`` naming a port that is taken or out of range.
  package init(gateway: Int, inner: Int? = nil) throws(OperatorError) {
    let services = ServiceName.allCases.filter { $0 != .gateway }
    let followers = inner == nil ? services.count : 0
    let outer = try StackPorts.first(of: 1 + followers, from: gateway)
    let first = try inner.map { port throws(OperatorError) in
      try StackPorts.first(of: services.count, from: port)
    }
    var ports: [ServiceName: Int] = [.gateway: outer]
    for (index, service) in services.enumerated() {
      ports[service] = (first ?? outer + 1) + index
    }
    self.ports = ports
    guard Set(ports.values).count == ports.count else {
      throw OperatorError(
        "the gateway's port \(outer) is among the other services'; choose others with --port or "
          + "--base-port")
    }
    for (service, port) in ports.sorted(by: { $0.value < $1.value })
    where !StackPorts.isFree(port) {
      let option = service == .gateway || inner == nil ? "--port" : "--base-port"
      throw OperatorError(
        "port \(port) on 127.0.0.1, for \(service.executable), is taken; choose another with "
          + "\(option) (--port is the gateway's, --base-port the first of the others', which follow "
          + "the gateway's otherwise)")
    }
  }

  /// The first of consecutive ports: as chosen, or for 0 such that all are free.
  private static func first(of count: Int, from port: Int) throws(OperatorError) -> Int {
    guard port == 0 || (1...65_536 - count).contains(port) else {
      throw OperatorError("port \(port) is out of range: 0 to \(65_536 - count)")
    }
    return port == 0 ? try freeRange(count) : port
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
