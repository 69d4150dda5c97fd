import Glibc
import HTTP2
import TLS
import TestSupport
import Testing

/// A client, or a server's end of a connection, that says what it likes: raw bytes, raw frames, any
/// header list. Blocking, on a socket of its own.
final class RawPeer {
  typealias Answer = RawPeerLog.Answer

  private let role: HTTP2Session.Role
  private let socket: Int32
  private let engine: TLSEngine
  private let scratch = TLSScratch()
  private var session: HTTP2Session?
  private var limits = HTTP2Limits()
  private let log = RawPeerLog()
  /// Whether received bytes are given back to the server's windows.
  var consumes: Bool {
    get { log.consumes }
    set { log.consumes = newValue }
  }
  var answers: [Int32: Answer] { log.answers }
  /// Every GOAWAY, in order.
  var goAways: [HTTP2GoAway] { log.goAways }
  var pingsReceived: Int { log.pingsReceived }
  var pingsAcknowledged: Int { log.pingsAcknowledged }
  var isOpen: Bool { log.isOpen }
  private(set) var isClosed = false
  private(set) var tlsFailure: TLSError?

  /// Bytes of requests that the server's windows have not let out.
  var queuedBytes: Int { session?.queuedBytes ?? 0 }

  var goAway: HTTP2ErrorCode? { goAways.last?.code }

  struct Failure: Error {}

  /// - Parameters:
  ///   - receiveBufferBytes: of the socket; the system's choice when nil.
  ///   - windowBytes: of each stream and, if it is larger than the usual one, of the connection.
  init(
    port: Int, certificates: TestCertificates, receiveBufferBytes: Int32? = nil,
    windowBytes: Int32? = nil
  ) throws {
    if let windowBytes {
      limits.streamWindowBytes = windowBytes
      limits.connectionWindowBytes = max(windowBytes, limits.connectionWindowBytes)
    }
    role = .client
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.socket = socket
    if var size = receiveBufferBytes {
      setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    var timeout = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    engine = try TLSEngine(
      client: try TLSClientCredentials(authorityFile: certificates.authorityFile),
      serverName: "server.test", scratch: scratch)
    guard connected == 0 else { throw Failure() }
  }

  /// A server's end of a connection.
  ///
  /// - Parameter socket: an accepted one, which it closes in the end.
  init(accepted socket: Int32, credentials: TLSServerCredentials) throws {
    role = .server
    self.socket = socket
    var timeout = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    engine = try TLSEngine(server: credentials, scratch: scratch)
  }

  deinit { Glibc.close(socket) }

  /// The TLS handshake, without HTTP/2.
  func handshake() throws {
    if role == .client { try engine.start() }
    flush()
    while engine.state == .handshaking, !isClosed { read() }
  }

  /// The TLS handshake and the HTTP/2 preface.
  func begin() throws {
    try handshake()
    if session == nil { session = try makeSession() }
    flush()
    while !isOpen, !isClosed { read() }
  }

  private func makeSession() throws -> HTTP2Session {
    try HTTP2Session(role: role, limits: limits, delegate: log, scratch: HTTP2Scratch(), now: 0)
  }

  /// Bytes past TLS.
  func writeRaw(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let result = bytes.withUnsafeBytes {
        Glibc.send(
          socket, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if result < 0, errno == EINTR { continue }
      if result <= 0 { return }
      sent += result
    }
  }

  /// Bytes within TLS, past HTTP/2.
  func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try engine.send($0) }
    flush()
  }

  /// One request; returns its stream.
  @discardableResult
  func request(
    _ fields: [(String, String)], _ body: some Collection<UInt8> = [UInt8](), end: Bool = true
  ) throws -> Int32 {
    let headers = HTTP2HeaderBlock()
    for (name, value) in fields { headers.append(name, value) }
    guard let stream = session?.submitRequest(headers, endStream: body.isEmpty && end)
    else { throw Failure() }
    if !body.isEmpty {
      Array(body).withUnsafeBytes { _ = session?.submitData(stream, $0, endStream: end) }
    }
    log.answers[stream.id] = Answer()
    flush()
    return stream.id
  }

  // MARK: As a server

  /// Reads until another request has come whole; returns its stream.
  func nextRequest() throws -> Int32 {
    read { !log.ended.isEmpty }
    guard !log.ended.isEmpty else { throw Failure() }
    return log.ended.removeFirst()
  }

  /// Answers a request: with headers, and unless they are the whole answer with a message and a
  /// status.
  func respond(
    _ id: Int32, headers: [(String, String)] = RawPeer.goodHeaders, _ message: [UInt8] = [],
    trailers: [(String, String)]? = [("grpc-status", "0")]
  ) {
    guard let session, let stream = session.stream(id) else { return }
    session.submitHeaders(stream, Self.block(headers), endStream: false)
    if !message.isEmpty { message.withUnsafeBytes { _ = session.submitData(stream, $0) } }
    if let trailers { session.submitTrailers(stream, Self.block(trailers)) }
    flush()
  }

  static let goodHeaders = [(":status", "200"), ("content-type", "application/grpc")]

  func reset(_ id: Int32, _ code: HTTP2ErrorCode) {
    guard let session, let stream = session.stream(id) else { return }
    session.reset(stream, code)
    flush()
  }

  /// Says that no stream above `last` was or will be processed.
  func goAway(last: Int32) throws {
    let id = (0..<4).map { UInt8(truncatingIfNeeded: last >> (24 - 8 * $0)) }
    try write([0, 0, 8, 7, 0, 0, 0, 0, 0] + id + [0, 0, 0, 0])
  }

  private static func block(_ fields: [(String, String)]) -> HTTP2HeaderBlock {
    let block = HTTP2HeaderBlock()
    for (name, value) in fields { block.append(name, value) }
    return block
  }

  /// Sends DATA on an open stream.
  func send(_ id: Int32, _ body: [UInt8], end: Bool) {
    guard let stream = session?.stream(id) else { return }
    body.withUnsafeBytes { _ = session?.submitData(stream, $0, endStream: end) }
    flush()
  }

  func reset(_ id: Int32) {
    guard let stream = session?.stream(id) else { return }
    session?.reset(stream, .cancel)
    flush()
  }

  /// Reads until a stream is over or the connection is.
  func answer(_ id: Int32) -> Answer {
    while answers[id]?.isEnded != true, answers[id]?.closeCode == nil, !isClosed { read() }
    return answers[id] ?? Answer()
  }

  func ping() {
    session?.ping(1)
    flush()
  }

  /// True when the server has closed the connection, also if nothing was read since.
  var isEnded: Bool {
    var byte: UInt8 = 0
    return isClosed
      || recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
  }

  /// Reads what comes next.
  func readSome() { read() }

  /// Reads until something has come or the connection is over.
  func read(until condition: () -> Bool) {
    while !condition(), !isClosed { read() }
  }

  /// Reads until the server closes the connection.
  func readToEnd() {
    while !isClosed { read() }
  }

  private func read() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var size = recv(socket, &buffer, buffer.count, 0)
    // Other tests raise signals, which end a wait with a time limit.
    while size < 0, errno == EINTR { size = recv(socket, &buffer, buffer.count, 0) }
    if size < 0, errno == EAGAIN { Issue.record("the server said nothing for a minute") }
    guard size > 0 else {
      isClosed = true
      return
    }
    do {
      try buffer[..<size].withUnsafeBytes { bytes in
        try engine.receive(bytes) { event in
          switch event {
          case .plaintext(let plaintext):
            try? session?.receive(plaintext, now: 0)
          case .closedByPeer: isClosed = true
          case .handshakeCompleted:
            // A client's preface may come with the end of its handshake.
            if role == .server { session = try? makeSession() }
          }
          return true
        }
      }
    } catch {
      tlsFailure = error as? TLSError
      isClosed = true
    }
    flush()
  }

  private func flush() {
    if engine.state == .open, let session {
      var room = [UInt8](repeating: 0, count: 65_536)
      while session.hasOutput {
        let size = room.withUnsafeMutableBytes { (try? session.produce(into: $0)) ?? 0 }
        if size == 0 { break }
        room[..<size].withUnsafeBytes { try? engine.send($0) }
      }
    }
    engine.withOutput { writeRaw(Array($0)) }
  }
}
