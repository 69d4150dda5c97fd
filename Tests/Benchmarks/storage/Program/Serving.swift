internal import AccountingAPI
internal import Cryptography
internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RPCCore
internal import RPCTransport
internal import SharedDomain
internal import TLS

/// A server and a client of the transfers in this process, on loopback, by mutual TLS.
final class Serving: Sendable {
  private let server: RPCServer
  private let channels: [RPCChannel]
  private let group: MultiThreadedEventLoopGroup

  init(_ handler: some ChargeService, folder: String, connections: Int = 4) async throws {
    let now = RealClock().now()
    let validity = CertificateValidity(
      from: now.advanced(by: .days(-1)), until: now.advanced(by: .days(1)))
    let authority = try CertificateAuthority(name: "Benchmark", validity: validity)
    let issued = try authority.issue(
      dnsNames: ["kontor-accounting"], addresses: ["127.0.0.1"], validity: validity)
    for (name, text) in [
      ("authority.pem", authority.identity.certificatePEM), ("own.pem", issued.certificatePEM),
      ("own.key", issued.privateKeyPEM),
    ] { try Serving.write(text, to: "\(folder)/\(name)") }
    group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
    let logger = Logger(label: "storage-benchmark") { _ in SwiftLogNoOpLogHandler() }
    let registration = ServiceRegistration(chargeService: handler)
    server = RPCServer(
      configuration: RPCServer.Configuration(
        host: "127.0.0.1", port: 0,
        tls: try TLSServerCredentials(
          certificateChainFile: "\(folder)/own.pem", privateKeyFile: "\(folder)/own.key",
          clientAuthorityFile: "\(folder)/authority.pem"),
        allowedPeers: [registration.name: ["kontor-accounting"]]),
      services: [registration], group: group, logger: logger)
    let port = try await server.start()
    let credentials = try TLSClientCredentials(
      authorityFile: "\(folder)/authority.pem", certificateChainFile: "\(folder)/own.pem",
      privateKeyFile: "\(folder)/own.key")
    var channels: [RPCChannel] = []
    for _ in 0..<connections {
      channels.append(
        RPCChannel(
          target: HostPort(host: "127.0.0.1", port: port), tls: credentials,
          serverName: "kontor-accounting", group: group, logger: logger))
    }
    self.channels = channels
  }

  private static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { Glibc.close(descriptor) }
    let bytes = Array(text.utf8)
    precondition(Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "\(path) is written")
  }

  /// Makes a transfer.
  func call(_ request: ChargeOrderRequest) async throws {
    let channel = channels[Int(request.orderID.utf8.last ?? 0) % channels.count]
    _ = try await ChargeServiceClient(channel: channel).chargeOrder(
      request, options: CallOptions(timeout: .seconds(30)))
  }

  func close() async throws {
    for channel in channels { await channel.close() }
    await server.drain(grace: .seconds(1))
    try await group.shutdownGracefully()
  }
}
