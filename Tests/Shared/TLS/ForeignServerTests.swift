import Glibc
import TestSupport
import Testing

@testable import TLS

/// A client against the server of OpenSSL's own program, which selects no protocol: ours refuses
/// such a handshake itself, so that the client's own check is not reached.
@Suite struct ForeignServerTests {
  private struct Failure: Error { let description: String }

  /// One connection's `openssl s_server`.
  private final class Server {
    let port: in_port_t
    private let process: pid_t

    init(_ files: TestCertificates.Files) throws {
      var pipe: [Int32] = [0, 0]
      guard Glibc.pipe(&pipe) == 0 else { throw Failure(description: "no pipe") }
      for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      var actions = posix_spawn_file_actions_t()
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
      posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
      let words = [
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-naccept", "1", "-cert",
        files.certificate, "-key", files.key,
      ]
      let arguments = words.map { strdup($0) }
      defer { for argument in arguments { free(argument) } }
      var process = pid_t()
      let result = posix_spawnp(&process, "openssl", &actions, nil, arguments + [nil], environ)
      close(pipe[1])
      defer { close(pipe[0]) }
      guard result == 0 else { throw Failure(description: "no openssl (error \(result))") }
      self.process = process
      // "ACCEPT 127.0.0.1:40123"
      var text = ""
      var byte: UInt8 = 0
      var port: in_port_t?
      while port == nil, Glibc.read(pipe[0], &byte, 1) == 1 {
        text.unicodeScalars.append(Unicode.Scalar(byte))
        guard byte == 0x0A else { continue }
        if text.hasPrefix("ACCEPT ") {
          port = text.split(separator: ":").last.flatMap { in_port_t($0.dropLast()) }
        }
        text = ""
      }
      guard let port else {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        throw Failure(description: "openssl accepts nothing")
      }
      self.port = port
    }

    deinit {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
  }

  @Test("A client refuses a server that does not select HTTP/2")
  func withoutALPN() throws {
    let certificates = try TestCertificates()
    let server = try Server(try certificates.issue(["server.test"]))
    let client = try TLSEngine(
      client: TLSClientCredentials(authorityFile: certificates.authorityFile),
      serverName: "server.test", scratch: TLSScratch())
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    defer { close(socket) }
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = server.port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(connected == 0)
    try client.start()
    let error = #expect(throws: TLSError.self) {
      while client.state == .handshaking {
        client.withOutput { _ = send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let size = recv(socket, &buffer, buffer.count, 0)
        guard size > 0 else { throw Failure(description: "the server said nothing") }
        try buffer[..<size].withUnsafeBytes { try client.receive($0) { _ in true } }
      }
    }
    #expect(error?.description == "the peer did not agree on ALPN h2")
    #expect(client.state == .failed)
  }
}
