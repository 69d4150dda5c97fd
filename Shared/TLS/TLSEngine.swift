/// One connection's TLS without a socket: ciphertext in, events out; plaintext in, ciphertext out.
///
/// Not Sendable: confined to the event loop of its connection. After every call the owner sends
/// what `withOutput` lends, also after an error (an alert may be there).
package final class TLSEngine {
  /// What happened while ciphertext was taken in.
  @safe package enum Event {
    /// Application data may now be sent.
    case handshakeCompleted(TLSHandshake)
    /// Decrypted bytes, lent for the time of the call.
    case plaintext(UnsafeRawBufferPointer)
    /// The peer will send nothing more (close_notify).
    case closedByPeer
  }

  /// Where a connection stands.
  package enum State: Sendable, Hashable {
    case handshaking
    case open
    case closed
    case failed
  }

  package private(set) var state = State.handshaking
  private let connection: OpenSSLConnection
  private let scratch: TLSScratch

  /// The server's end.
  ///
  /// - Parameter scratch: memory shared by the engines of one event loop.
  package init(server: TLSServerCredentials, scratch: TLSScratch) throws(TLSError) {
    connection = try OpenSSLConnection(context: server.context, serverName: nil)
    self.scratch = scratch
  }

  /// The client's end.
  ///
  /// - Parameter serverName: the DNS name or IP address that the server's certificate must carry.
  package init(
    client: TLSClientCredentials, serverName: String, scratch: TLSScratch
  ) throws(TLSError) {
    connection = try OpenSSLConnection(context: client.context, serverName: serverName)
    self.scratch = scratch
  }

  /// Begins the handshake; the client's first message is then in the output.
  package func start() throws(TLSError) {
    guard state == .handshaking else { return }
    if case .failed(let error) = connection.handshake() { throw fail(error) }
  }

  /// Takes ciphertext in and reports what it came to, in order.
  ///
  /// - Parameter handle: returns false to stop; what follows in the input is then dropped.
  /// - Throws: the failure of the connection, which is then over.
  package func receive(
    _ ciphertext: UnsafeRawBufferPointer, _ handle: (Event) -> Bool
  ) throws(TLSError) {
    guard state == .handshaking || state == .open else { return }
    let error = unsafe connection.withInput(ciphertext) { () -> TLSError? in
      if state == .handshaking {
        switch connection.handshake() {
        case .wantsInput: return nil
        case .closed:
          return TLSError(.protocolFailure, "the peer closed during the TLS handshake")
        case .failed(let error): return error
        case .done:
          guard connection.hasSelectedHTTP2 else {
            return TLSError(.protocolFailure, "the peer did not agree on ALPN h2")
          }
          state = .open
          let handshake = TLSHandshake(
            version: connection.version, peerNames: connection.peerNames(),
            isResumed: connection.isResumed)
          guard handle(.handshakeCompleted(handshake)) else { return nil }
        }
      }
      return readAll(handle)
    }
    if let error { throw fail(error) }
  }

  private func readAll(_ handle: (Event) -> Bool) -> TLSError? {
    while !connection.isDrained {
      switch unsafe connection.read(into: scratch.plaintext) {
      case .done(let size):
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: scratch.plaintext[..<size])
        guard unsafe handle(.plaintext(bytes)) else { return nil }
        guard state == .open else { return nil }
      case .wantsInput:
        return nil
      case .closed:
        state = .closed
        _ = handle(.closedByPeer)
        return nil
      case .failed(let error):
        return error
      }
    }
    return nil
  }

  /// Encrypts application data into the output; nothing once the connection is over.
  ///
  /// Send everything of one turn in one call: each call makes at least one record.
  package func send(_ plaintext: UnsafeRawBufferPointer) throws(TLSError) {
    guard state == .open || state == .closed else { return }
    if case .failed(let error) = unsafe connection.write(plaintext) { throw fail(error) }
  }

  /// Says that nothing more will be sent (close_notify).
  package func close() {
    guard state == .open || state == .closed else { return }
    connection.shutdown()
    state = .closed
  }

  /// True when ciphertext waits to be sent.
  package var hasOutput: Bool { connection.outputSize > 0 }

  /// Lends the ciphertext to send, then forgets it.
  package func withOutput(_ body: (UnsafeRawBufferPointer) -> Void) {
    guard hasOutput else { return }
    unsafe body(connection.pendingOutput)
    connection.dropOutput(keeping: TLSScratch.retainedOutputBytes)
  }

  private func fail(_ error: TLSError) -> TLSError {
    state = .failed
    return error
  }
}

/// What a handshake agreed on.
package struct TLSHandshake: Sendable, Hashable {
  package let version: TLSVersion
  /// The DNS names in the peer's verified certificate, lower case; empty when it showed none.
  package let peerNames: [String]
  /// True when an earlier session went on: no certificate was shown this time.
  package var isResumed = false
}

/// Memory that the engines of one event loop share while one of them decrypts.
@safe package final class TLSScratch {
  /// Room for one decrypted record, in bytes (RFC 8446, 5.1: 2^14).
  package static let plaintextBytes = 16 * 1024
  /// Output memory that an idle connection keeps, in bytes.
  package static let retainedOutputBytes = 4 * 1024

  let plaintext = UnsafeMutableRawBufferPointer.allocate(
    byteCount: TLSScratch.plaintextBytes, alignment: 16)

  package init() {}

  deinit { unsafe plaintext.deallocate() }
}
