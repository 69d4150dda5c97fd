import TestSupport
import Testing

@testable import TLS

/// Two engines back to back, without sockets.
final class Pair {
  let client: TLSEngine
  let server: TLSEngine
  var clientReceived: [UInt8] = []
  var serverReceived: [UInt8] = []
  var clientHandshake: TLSHandshake?
  var serverHandshake: TLSHandshake?
  var closedByPeer = 0
  var clientError: TLSError?
  var serverError: TLSError?
  /// Ciphertext bytes that went each way.
  var bytesToClient = 0

  init(
    client clientCredentials: TLSClientCredentials, server serverCredentials: TLSServerCredentials,
    name: String = "server.test"
  ) throws {
    let scratch = TLSScratch()
    client = try TLSEngine(client: clientCredentials, serverName: name, scratch: scratch)
    server = try TLSEngine(server: serverCredentials, scratch: scratch)
  }

  /// Moves ciphertext until neither has any, in pieces of at most `piece` bytes.
  func run(piece: Int = .max) {
    while client.hasOutput || server.hasOutput {
      var bytes: [UInt8] = []
      client.withOutput { bytes = Array($0) }
      do { try feed(bytes, piece, server) { self.serverEvent($0) } } catch { serverError = error }
      bytes = []
      server.withOutput { bytes = Array($0) }
      bytesToClient += bytes.count
      do { try feed(bytes, piece, client) { self.clientEvent($0) } } catch { clientError = error }
    }
  }

  func handshake(piece: Int = .max) throws {
    try client.start()
    run(piece: piece)
  }

  private func feed(
    _ bytes: [UInt8], _ piece: Int, _ engine: TLSEngine, _ handle: (TLSEngine.Event) -> Void
  ) throws(TLSError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = Array(rest.prefix(piece))
      rest = rest.dropFirst(piece)
      let error = part.withUnsafeBytes { bytes -> TLSError? in
        do throws(TLSError) {
          try engine.receive(bytes) { event in
            handle(event)
            return true
          }
          return nil
        } catch { return error }
      }
      if let error { throw error }
    }
  }

  private func clientEvent(_ event: TLSEngine.Event) {
    switch event {
    case .handshakeCompleted(let handshake): clientHandshake = handshake
    case .plaintext(let bytes): clientReceived += bytes
    case .closedByPeer: closedByPeer += 1
    }
  }

  private func serverEvent(_ event: TLSEngine.Event) {
    switch event {
    case .handshakeCompleted(let handshake): serverHandshake = handshake
    case .plaintext(let bytes): serverReceived += bytes
    case .closedByPeer: closedByPeer += 1
    }
  }
}

@Suite struct TLSEngineTests {
  let certificates: TestCertificates
  let serverFiles: TestCertificates.Files

  init() throws {
    certificates = try TestCertificates()
    serverFiles = try certificates.issue(["server.test"], addresses: ["127.0.0.1"])
  }

  func serverCredentials(
    mutual: Bool = false, _ version: TLSVersion = .tls13
  ) throws -> TLSServerCredentials {
    try TLSServerCredentials(
      certificateChainFile: serverFiles.certificate, privateKeyFile: serverFiles.key,
      clientAuthorityFile: mutual ? certificates.authorityFile : nil, maximumVersion: version)
  }

  func clientCredentials(_ files: TestCertificates.Files? = nil) throws -> TLSClientCredentials {
    try TLSClientCredentials(
      authorityFile: certificates.authorityFile, certificateChainFile: files?.certificate,
      privateKeyFile: files?.key)
  }

  @Test(
    "A handshake completes and bytes pass both ways, however they are cut",
    arguments: [TLSVersion.tls12, .tls13], [1, 7, Int.max])
  func passes(version: TLSVersion, piece: Int) throws {
    let pair = try Pair(
      client: clientCredentials(), server: serverCredentials(mutual: false, version))
    try pair.handshake(piece: piece)
    #expect(pair.serverHandshake == TLSHandshake(version: version, peerNames: []))
    #expect(pair.clientHandshake == TLSHandshake(version: version, peerNames: ["server.test"]))
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try bytes.withUnsafeBytes { try pair.client.send($0) }
    try bytes.reversed().withUnsafeBytes { try pair.server.send($0) }
    pair.run(piece: piece == 1 ? 1000 : piece)
    #expect(pair.serverReceived == bytes)
    #expect(pair.clientReceived == bytes.reversed())
    pair.client.close()
    pair.run()
    #expect(pair.closedByPeer == 1)
    #expect(pair.server.state == .closed)
  }

  @Test("One send makes one record up to 16 KiB")
  func coalesced() throws {
    let pair = try Pair(client: clientCredentials(), server: serverCredentials())
    try pair.handshake()
    pair.bytesToClient = 0
    let bytes = [UInt8](repeating: 1, count: 16_384)
    try bytes.withUnsafeBytes { try pair.server.send($0) }
    pair.run()
    #expect(pair.clientReceived == bytes)
    #expect(pair.bytesToClient == 5 + 16_384 + 1 + 16)
  }

  @Test(
    "Mutual TLS shows the client's names, in lower case", arguments: [TLSVersion.tls12, .tls13])
  func mutual(version: TLSVersion) throws {
    let files = try certificates.issue(["Shop.Kontor", "shop"])
    let pair = try Pair(
      client: clientCredentials(files), server: serverCredentials(mutual: true, version))
    try pair.handshake()
    #expect(pair.serverHandshake?.peerNames == ["shop.kontor", "shop"])
  }

  @Test("Mutual TLS refuses a client without a certificate", arguments: [TLSVersion.tls12, .tls13])
  func noCertificate(version: TLSVersion) throws {
    let pair = try Pair(
      client: clientCredentials(), server: serverCredentials(mutual: true, version))
    try pair.handshake()
    #expect(pair.serverHandshake == nil)
    #expect(pair.serverError?.code == .protocolFailure)
    #expect(pair.server.state == .failed)
  }

  @Test("Mutual TLS refuses a certificate of another authority, and one that has expired")
  func strangers() throws {
    let other = try TestCertificates()
    for files in [try other.issue(["shop"]), try certificates.issue(["old"], days: -1)] {
      let credentials = try? TLSClientCredentials(
        authorityFile: certificates.authorityFile, certificateChainFile: files.certificate,
        privateKeyFile: files.key)
      // An expired certificate does not even load.
      guard let credentials else { continue }
      let pair = try Pair(client: credentials, server: serverCredentials(mutual: true))
      try pair.handshake()
      #expect(pair.serverHandshake == nil)
      #expect(pair.serverError?.code == .untrustedPeer)
    }
  }

  @Test(
    "A client refuses another name, another authority, and takes an address",
    arguments: [
      ("other.test", false), ("server.test", true), ("127.0.0.1", true), ("127.0.0.2", false),
      ("xserver.test", false),
    ])
  func names(name: String, isAccepted: Bool) throws {
    let pair = try Pair(client: clientCredentials(), server: serverCredentials(), name: name)
    try pair.handshake()
    #expect((pair.clientHandshake != nil) == isAccepted)
    if !isAccepted {
      #expect(pair.clientError?.code == .untrustedPeer)
      #expect(pair.clientError?.description.contains("certificate of \(name)") == true)
      #expect(pair.serverHandshake == nil || pair.serverError != nil)
    }
    let stranger = try TestCertificates()
    let credentials = try TLSClientCredentials(authorityFile: stranger.authorityFile)
    let refused = try Pair(client: credentials, server: serverCredentials())
    try refused.handshake()
    #expect(refused.clientError?.code == .untrustedPeer)
  }

  @Test("Random ciphertext ends the connection and nothing else", arguments: 0..<30)
  func random(round: Int) throws {
    let pair = try Pair(client: clientCredentials(), server: serverCredentials())
    if round % 2 == 0 { try pair.handshake() }
    let bytes = (0..<40_000).map { _ in UInt8.random(in: 0...255) }
    #expect(throws: TLSError.self) {
      try bytes.withUnsafeBytes { try pair.server.receive($0) { _ in true } }
    }
    #expect(pair.server.state == .failed)
    // Nothing happens any more, and nothing traps.
    try bytes.withUnsafeBytes { try pair.server.receive($0) { _ in true } }
    try bytes.withUnsafeBytes { try pair.server.send($0) }
    pair.server.close()
  }

  @Test("A client that offers no HTTP/2 is refused by an alert", arguments: [true, false])
  func withoutALPN(offersOther: Bool) throws {
    // A TLS 1.2 ClientHello with one cipher suite, and ALPN http/1.1 or none.
    let alpn: [UInt8] = [0, 16, 0, 11, 0, 9, 8] + Array("http/1.1".utf8)
    let groups: [UInt8] = [0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3]
    let extensions = groups + (offersOther ? alpn : [])
    var hello: [UInt8] = [3, 3] + [UInt8](repeating: 5, count: 32) + [0, 0, 2, 0xC0, 0x2B, 1, 0]
    hello += [0, UInt8(extensions.count)] + extensions
    let handshake = [1, 0, 0, UInt8(hello.count)] + hello
    let record = [22, 3, 1, 0, UInt8(handshake.count)] + handshake
    let pair = try Pair(client: clientCredentials(), server: serverCredentials())
    #expect(throws: TLSError.self) {
      try record.withUnsafeBytes { try pair.server.receive($0) { _ in true } }
    }
    var output: [UInt8] = []
    pair.server.withOutput { output = Array($0) }
    // A fatal alert, no_application_protocol (RFC 7301, 3.2).
    #expect(output == [21, 3, 3, 0, 2, 2, 120] || output == [21, 3, 1, 0, 2, 2, 120])
  }
}

@Suite struct TLSCredentialsTests {
  let certificates: TestCertificates
  let files: TestCertificates.Files

  init() throws {
    certificates = try TestCertificates()
    files = try certificates.issue(["server.test"])
  }

  func failure(certificate: String, key: String, authority: String? = nil) -> TLSError? {
    do throws(TLSError) {
      _ = try TLSServerCredentials(
        certificateChainFile: certificate, privateKeyFile: key, clientAuthorityFile: authority)
      return nil
    } catch { return error }
  }

  @Test("A missing file is named with its reason")
  func missing() {
    let missing = certificates.folder + "/missing"
    let certificate = failure(certificate: missing, key: files.key)
    #expect(
      certificate?.description
        == "certificate file \(missing) cannot be read: No such file or directory")
    #expect(failure(certificate: files.certificate, key: missing)?.code == .file)
    #expect(
      failure(certificate: files.certificate, key: files.key, authority: missing)?.code == .file)
    #expect(throws: TLSError.self) { try TLSClientCredentials(authorityFile: missing) }
  }

  @Test("A file of something else is named")
  func notPEM() throws {
    let text = try certificates.write("hello", as: "hello.pem")
    #expect(failure(certificate: text, key: files.key)?.code == .file)
    #expect(failure(certificate: files.certificate, key: text)?.code == .file)
    #expect(failure(certificate: files.certificate, key: files.certificate)?.code == .file)
    let error = failure(certificate: files.certificate, key: files.key, authority: text)
    #expect(error?.code == .file)
    #expect(error?.description.contains(text) == true)
    #expect(error?.description.contains("\n") == false)
  }

  @Test("A key of another certificate does not match")
  func mismatch() throws {
    let other = try certificates.issue(["other.test"])
    let error = failure(certificate: files.certificate, key: other.key)
    #expect(error?.code == .keyMismatch)
    #expect(
      error?.description
        == "private key file \(other.key) does not match certificate file \(files.certificate)")
  }

  @Test("An expired certificate is refused with its date")
  func expired() throws {
    let old = try certificates.issue(["old.test"], days: -1)
    let error = failure(certificate: old.certificate, key: old.key)
    #expect(error?.code == .validity)
    #expect(error?.description.contains("expired on 20") == true)
  }

  @Test("A client certificate and its key come together")
  func together() {
    #expect(throws: TLSError.self) {
      try TLSClientCredentials(
        authorityFile: certificates.authorityFile, certificateChainFile: files.certificate)
    }
    #expect(throws: TLSError.self) {
      try TLSClientCredentials(
        authorityFile: certificates.authorityFile, privateKeyFile: files.key)
    }
  }
}
