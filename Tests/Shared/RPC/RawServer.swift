import Glibc
import Logging
import NIOPosix
import RPCCore
import RPCTransport
import TLS
import TestSupport

/// A port whose connections a test answers itself, one after the other. Blocking.
final class RawServer: Sendable {
  let certificates: TestCertificates
  let port: Int
  private let socket: Int32
  private let credentials: TLSServerCredentials

  init() throws {
    certificates = try TestCertificates()
    let files = try certificates.issue(["server.test"], addresses: ["127.0.0.1"])
    credentials = try TLSServerCredentials(
      certificateChainFile: files.certificate, privateKeyFile: files.key)
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var timeout = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let handle = socket
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(handle, pointer, size) == 0 && listen(handle, 16) == 0
          && getsockname(handle, pointer, &size) == 0
      }
    }
    guard isBound else { throw RPCError(.unavailable, "no port") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { Glibc.close(socket) }

  /// The next connection, with TLS and HTTP/2 begun.
  func accept() throws -> RawPeer {
    var accepted = Glibc.accept(socket, nil, nil)
    while accepted < 0, errno == EINTR { accepted = Glibc.accept(socket, nil, nil) }
    guard accepted >= 0 else { throw RPCError(.unavailable, "no client connects") }
    let peer = try RawPeer(accepted: accepted, credentials: credentials)
    try peer.begin()
    return peer
  }

  /// A channel to this port.
  func channel(_ config: ServiceConfig, _ group: MultiThreadedEventLoopGroup) throws -> RPCChannel {
    RPCChannel(
      RPCChannel.Configuration(
        target: ChannelTarget(HostPort(host: "127.0.0.1", port: port)),
        tls: try TLSClientCredentials(authorityFile: certificates.authorityFile),
        serviceConfig: config, backoff: .betweenServices),
      group: group, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}
