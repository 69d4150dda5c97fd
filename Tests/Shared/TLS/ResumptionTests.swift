import Synchronization
import TestSupport
import Testing

@testable import TLS

@Suite struct ResumptionTests {
  /// Monotonic time that a test moves.
  private final class Time: Sendable {
    private let seconds = Mutex<UInt64>(1)
    var nanoseconds: UInt64 { seconds.withLock { $0 } * 1_000_000_000 }
    func advance(seconds count: UInt64) { seconds.withLock { $0 += count } }
  }

  private static let period: UInt64 = 60

  private let certificates: TestCertificates
  private let files: TestCertificates.Files
  private let time = Time()

  init() throws {
    certificates = try TestCertificates()
    files = try certificates.issue(["server.test"])
  }

  private func keys() throws(TLSError) -> TicketKeys {
    try TicketKeys(periodSeconds: Int(Self.period)) { [time] in time.nanoseconds }
  }

  private func server(
    _ version: TLSVersion, authority: String? = nil, sharing keys: TicketKeys? = nil
  ) throws -> TLSServerCredentials {
    let keys = try keys ?? self.keys()
    return try TLSServerCredentials(
      certificateChainFile: files.certificate, privateKeyFile: files.key,
      clientAuthorityFile: authority, maximumVersion: version
    ) { keys }
  }

  private func client(_ files: TestCertificates.Files? = nil) throws -> TLSClientCredentials {
    try TLSClientCredentials(
      authorityFile: certificates.authorityFile, certificateChainFile: files?.certificate,
      privateKeyFile: files?.key)
  }

  /// Whether a handshake resumes; nil when it fails.
  private func isResumed(
    _ client: TLSClientCredentials, _ server: TLSServerCredentials, name: String = "server.test"
  ) throws -> Bool? {
    let pair = try Pair(client: client, server: server, name: name)
    try pair.handshake()
    guard let handshake = pair.serverHandshake else { return nil }
    // Both ends see it alike, and names are there as after a full handshake.
    #expect(pair.clientHandshake?.isResumed == handshake.isResumed)
    #expect(pair.clientHandshake?.peerNames == ["server.test"])
    return handshake.isResumed
  }

  @Test(
    "A session resumes after one rotation of the ticket keys, not after two",
    arguments: [TLSVersion.tls12, .tls13])
  func rotation(version: TLSVersion) throws {
    let server = try server(version)
    let first = try client()
    #expect(try isResumed(first, server) == false)
    #expect(try isResumed(first, server) == true)
    time.advance(seconds: Self.period)
    #expect(try isResumed(first, server) == true)
    let second = try client()
    #expect(try isResumed(second, server) == false)
    // One key after the other, with handshakes in between, and both at once.
    time.advance(seconds: Self.period)
    let third = try client()
    #expect(try isResumed(third, server) == false)
    time.advance(seconds: Self.period)
    #expect(try isResumed(second, server) == false)
    time.advance(seconds: 2 * Self.period)
    #expect(try isResumed(third, server) == false)
  }

  @Test("A ticket of TLS 1.3 is used once", arguments: [TLSVersion.tls12, .tls13])
  func singleUse(version: TLSVersion) throws {
    let server = try server(version)
    let client = try client()
    #expect(try isResumed(client, server) == false)
    let one = try Pair(client: client, server: server)
    let other = try Pair(client: client, server: server)
    try one.handshake()
    try other.handshake()
    #expect(one.serverHandshake?.isResumed == true)
    #expect(other.serverHandshake?.isResumed == (version == .tls12))
  }

  @Test("A session is not used for another name", arguments: [TLSVersion.tls12, .tls13])
  func names(version: TLSVersion) throws {
    let server = try server(version)
    let client = try client()
    #expect(try isResumed(client, server) == false)
    #expect(try isResumed(client, server, name: "other.test") == nil)
  }

  @Test(
    "With mutual TLS a resumed session shows its client", arguments: [TLSVersion.tls12, .tls13])
  func mutual(version: TLSVersion) throws {
    let server = try server(version, authority: certificates.authorityFile)
    let client = try client(try certificates.issue(["shop"]))
    #expect(try isResumed(client, server) == false)
    let pair = try Pair(client: client, server: server)
    try pair.handshake()
    #expect(pair.serverHandshake?.isResumed == true)
    #expect(pair.serverHandshake?.peerNames == ["shop"])
  }

  @Test(
    "A client whose authority is no longer accepted does not resume, though its ticket is good",
    arguments: [TLSVersion.tls12, .tls13])
  func untrusted(version: TLSVersion) throws {
    let keys = try keys()
    let other = try TestCertificates()
    let before = try server(version, authority: certificates.authorityFile, sharing: keys)
    let after = try server(version, authority: other.authorityFile, sharing: keys)
    let client = try client(try certificates.issue(["shop"]))
    #expect(try isResumed(client, before) == false)
    #expect(try isResumed(client, before) == true)
    #expect(try isResumed(client, after) == nil)
    // A session of a server that asked for no certificate is no way in either.
    let open = try server(version, sharing: keys)
    let nobody = try self.client()
    #expect(try isResumed(nobody, open) == false)
    #expect(try isResumed(nobody, before) == nil)
  }
}

@Suite struct ReloadTests {
  private let certificates: TestCertificates

  init() throws { certificates = try TestCertificates() }

  /// A certificate under fixed file names, replaced by each call.
  @discardableResult
  private func install(_ names: [String], keyOf other: TestCertificates.Files? = nil) throws
    -> (certificate: String, key: String)
  {
    let issued = try certificates.issue(names)
    return (
      certificate: try certificates.copy(issued.certificate, as: "current.pem"),
      key: try certificates.copy((other ?? issued).key, as: "current.key")
    )
  }

  private func peerNames(
    _ client: TLSClientCredentials, _ server: TLSServerCredentials
  ) throws -> (server: [String]?, client: [String]?) {
    let pair = try Pair(client: client, server: server)
    try pair.handshake()
    return (pair.clientHandshake?.peerNames, pair.serverHandshake?.peerNames)
  }

  @Test(
    "New connections show the new certificate, live ones go on",
    arguments: [TLSVersion.tls12, .tls13])
  func server(version: TLSVersion) throws {
    let files = try install(["server.test", "old"])
    let server = try TLSServerCredentials(
      certificateChainFile: files.certificate, privateKeyFile: files.key, maximumVersion: version)
    let client = try TLSClientCredentials(authorityFile: certificates.authorityFile)
    let live = try Pair(client: client, server: server)
    try live.handshake()
    try install(["server.test", "new"])
    #expect(try peerNames(client, server).server == ["server.test", "old"])
    try server.reload()
    // No ticket survives: the session is not resumed with the old certificate.
    #expect(try peerNames(client, server).server == ["server.test", "new"])
    try [1, 2, 3].withUnsafeBytes { try live.client.send($0) }
    try [4, 5].withUnsafeBytes { try live.server.send($0) }
    live.run()
    #expect(live.serverReceived.count == 24 && live.clientReceived.count == 16)
  }

  @Test("Files that cannot be used leave the old certificate in place")
  func broken() throws {
    let files = try install(["server.test", "old"])
    let server = try TLSServerCredentials(
      certificateChainFile: files.certificate, privateKeyFile: files.key,
      clientAuthorityFile: certificates.authorityFile)
    let client = try TLSClientCredentials(
      authorityFile: certificates.authorityFile, certificateChainFile: files.certificate,
      privateKeyFile: files.key)
    let other = try certificates.issue(["other.test"])
    try install(["server.test", "new"], keyOf: other)
    let mismatch = #expect(throws: TLSError.self) { try server.reload() }
    #expect(mismatch?.code == .keyMismatch)
    #expect(throws: TLSError.self) { try client.reload() }
    _ = try certificates.write("broken", as: "current.pem")
    let unreadable = #expect(throws: TLSError.self) { try server.reload() }
    #expect(unreadable?.code == .file)
    let expired = try certificates.issue(["server.test"], days: -1)
    _ = try certificates.copy(expired.certificate, as: "current.pem")
    _ = try certificates.copy(expired.key, as: "current.key")
    let tooOld = #expect(throws: TLSError.self) { try server.reload() }
    #expect(tooOld?.code == .validity)
    let names = try peerNames(client, server)
    #expect(names.server == ["server.test", "old"] && names.client == ["server.test", "old"])
  }

  @Test("A client shows its new certificate, and resumes nothing of the old")
  func client() throws {
    let serverFiles = try certificates.issue(["server.test"])
    let files = try install(["shop", "old"])
    let server = try TLSServerCredentials(
      certificateChainFile: serverFiles.certificate, privateKeyFile: serverFiles.key,
      clientAuthorityFile: certificates.authorityFile)
    let client = try TLSClientCredentials(
      authorityFile: certificates.authorityFile, certificateChainFile: files.certificate,
      privateKeyFile: files.key)
    #expect(try peerNames(client, server).client == ["shop", "old"])
    try install(["shop", "new"])
    try client.reload()
    #expect(try peerNames(client, server).client == ["shop", "new"])
  }
}
