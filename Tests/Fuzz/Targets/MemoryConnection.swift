import HTTP2
import NIOCore
import NIOEmbedded
import TLS
import TestSupport

@testable import RPCTransport

/// A real connection on a channel in memory, and the TLS of its peer, whose plaintext is the
/// input's.
final class MemoryConnection {
  /// What the connection has said within TLS.
  private(set) var output: [UInt8] = []
  private let channel: EmbeddedChannel
  private let eventLoop: EmbeddedEventLoop
  private let peer: TLSEngine
  /// What the peer says first; empty once it is said.
  private var opening: [UInt8]

  /// - Parameter opening: what the peer says when the handshake is over.
  init(_ channel: EmbeddedChannel, peer: TLSEngine, opening: [UInt8]) {
    self.channel = channel
    self.peer = peer
    self.opening = opening
    eventLoop = channel.embeddedEventLoop
  }

  /// True when the opening is said, until either end has closed.
  var isOpen: Bool { peer.state == .open && opening.isEmpty }

  /// The peer says something, and the connection answers.
  func say(_ bytes: UnsafeRawBufferPointer) throws {
    guard isOpen else { return }
    try peer.send(bytes)
    try exchange()
  }

  /// The peer says that it says nothing more (TLS `close_notify`).
  func sayGoodbye() throws {
    peer.close()
    try exchange()
  }

  /// Moves bytes both ways until nobody has any.
  func exchange() throws {
    var isMoving = true
    while isMoving {
      isMoving = false
      if peer.state == .open, !opening.isEmpty {
        try opening.withUnsafeBytes { try peer.send($0) }
        opening = []
      }
      var inbound: [ByteBuffer] = []
      peer.withOutput { inbound.append(ByteBuffer(bytes: $0)) }
      for buffer in inbound where channel.isActive {
        isMoving = true
        try channel.writeInbound(buffer)
      }
      eventLoop.run()
      while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
        isMoving = true
        try buffer.withUnsafeReadableBytes { bytes in
          try peer.receive(bytes) { event in
            if case .plaintext(let bytes) = event { output += bytes }
            return true
          }
        }
      }
    }
  }

  /// The connection is lost.
  func lose() {
    channel.close(promise: nil)
    eventLoop.run()
  }

  // MARK: Certificates

  /// What both ends know each other by.
  struct Credentials {
    let server: TLSServerCredentials
    let client: TLSClientCredentials

    /// Made once in a process.
    static let shared = Result {
      let certificates = try TestCertificates()
      let files = try certificates.issue(["server.test"])
      return Credentials(
        server: try TLSServerCredentials(
          certificateChainFile: files.certificate, privateKeyFile: files.key),
        client: try TLSClientCredentials(authorityFile: certificates.authorityFile))
    }
  }
}
