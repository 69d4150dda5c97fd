import Bootstrap
import Foundation
import SharedDomain
import Testing

@testable import Operator

@Suite("Operator")
struct OperatorTests {
  private let folder = StackFolder(
    NSTemporaryDirectory() + "/kontor-operator-\(UUID().uuidString.prefix(8))")

  @Test("the pause before a restart doubles up to a limit and is short again after a steady life")
  func pauses() {
    var pause = RestartPause()
    let pauses = (0..<8).map { _ in pause.next(lived: .zero) }
    #expect(
      pauses.prefix(4) == [
        .milliseconds(100), .milliseconds(200), .milliseconds(400),
        .milliseconds(800),
      ])
    #expect(pauses.last == RestartPause.longest)
    #expect(pause.next(lived: RestartPause.steadyLife) == RestartPause.first)
  }

  @Test("the services take consecutive ports, and a taken one is named")
  func ports() throws {
    let ports = try StackPorts(gateway: 0)
    let all = ServiceName.allCases.map { ports[$0] }.sorted()
    #expect(all == Array(all[0]...all[0] + 4))
    #expect(ports[.gateway] == all[0])
    #expect(StackPorts(ports.text) == ports)
    let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(taken) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(ports[.shop]).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(taken, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) + listen(taken, 1)
      }
    }
    try #require(bound == 0)
    let error = #expect(throws: OperatorError.self) { try StackPorts(gateway: ports[.gateway]) }
    #expect(error?.description.contains("port \(ports[.shop]) on 127.0.0.1") == true)
    #expect(error?.description.contains("--port") == true)
  }

  @Test("the inner services may be given ports of their own, apart from the gateway's")
  func innerPorts() throws {
    let outer = try StackPorts(gateway: 0)[.gateway]
    let ports = try StackPorts(gateway: outer, inner: 0)
    #expect(ports[.gateway] == outer)
    let inner = ServiceName.allCases.filter { $0 != .gateway }.map { ports[$0] }
    #expect(inner == Array(inner[0]..<inner[0] + 4))
    let error = #expect(throws: OperatorError.self) {
      try StackPorts(gateway: outer, inner: outer - 1)
    }
    #expect(error?.description.contains("--base-port") == true)
    #expect(throws: OperatorError.self) { try StackPorts(gateway: outer, inner: 65_533) }
  }

  @Test("a port out of range is refused", arguments: [-1, 65_532, 65_536, Int.max])
  func range(port: Int) {
    #expect(throws: OperatorError.self) { try StackPorts(gateway: port) }
  }

  @Test("a folder has one stack at a time, and its holder is known")
  func lock() throws {
    try folder.create()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    #expect(StackLock.holder(folder) == nil)
    let lock = try StackLock(folder)
    let error = #expect(throws: OperatorError.self) { try StackLock(folder) }
    #expect(error?.description.contains("\(getpid())") == true)
    #expect(throws: OperatorError.self) { try StackStatus(folder).reset() }
    #expect(throws: OperatorError.self) { try StackStatus(folder).refuseRunning() }
    withExtendedLifetime(lock) {}
  }

  @Test("processes of a killed stack are waited for, others with a recorded number are not")
  func orphans() async throws {
    try folder.create()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let pidFile = "\(folder.run)/shop.pid"
    try PrivateFile.write("\(getpid())\n", to: pidFile)
    try await StackOrphans(folder).waitUntilGone { Issue.record("waited for a stranger: \($0)") }

    // A process that looks like the shop's and ends when its input does.
    unlink(pidFile)
    let command = "exec sh -c 'echo $$ > \(pidFile); read line' x \(folder.configuration)/shop.conf"
    let stream = try #require(popen(command, "we"))
    while PrivateFile.read(pidFile)?.hasSuffix("\n") != true { await Task.yield() }
    var reports: [String] = []
    try await StackOrphans(folder).waitUntilGone {
      reports.append($0)
      pclose(stream)
    }
    #expect(reports == ["waiting for processes of a killed kontor up: kontor-shop"])
  }

  @Test("reset removes a stack's data, leaves other files, and refuses other folders")
  func reset() throws {
    try folder.create()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let other = "\(folder.path)/notes.txt"
    try "mine".write(toFile: other, atomically: true, encoding: .utf8)
    try StackStatus(folder).reset()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["notes.txt"])
    #expect(throws: OperatorError.self) { try StackStatus(folder).reset() }
  }

  @Test("certificates are issued by the same authority again, keys for their owner alone")
  func certificates() throws {
    try folder.create()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let now = Instant(microseconds: 1_800_000_000_000_000)
    try StackCertificates(folder, now: now).issue()
    let authority = PrivateFile.read(folder.authority)
    let first = PrivateFile.read(folder.certificate("kontor-shop"))
    try StackCertificates(folder, now: now).issue()
    #expect(PrivateFile.read(folder.authority) == authority)
    #expect(PrivateFile.read(folder.certificate("kontor-shop")) != first)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.certificates) {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: "\(folder.certificates)/\(name)")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
  }
}
