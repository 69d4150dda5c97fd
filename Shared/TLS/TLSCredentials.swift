internal import Synchronization

/// What a server proves itself with and, for mutual TLS, whom it accepts.
///
/// TLS 1.2 with ECDHE and AEAD, or 1.3; X25519 and P-256; ALPN `h2`; no renegotiation, compression
/// or early data. Every new connection uses what was last loaded; live ones keep what they began
/// with.
///
/// Sessions resume by ticket. With mutual TLS the client's certificate is in the ticket and is
/// verified again each time, by today's authorities and dates; a client whose certificate came with
/// intermediates does a full handshake instead.
package final class TLSServerCredentials: Sendable {
  /// How long one key makes session tickets; they are good for as long again.
  package static let ticketKeySeconds = 60 * 60

  /// True when clients must present a certificate of the client authority.
  package let requiresClientCertificate: Bool
  private let load: @Sendable () throws(TLSError) -> OpenSSLContext
  private let loaded: Mutex<OpenSSLContext>

  /// Reads PEM files.
  ///
  /// - Parameters:
  ///   - certificateChainFile: the own certificate, then its intermediates.
  ///   - privateKeyFile: the unencrypted key.
  ///   - clientAuthorityFile: authorities whose certificates clients must have; nil for none.
  package convenience init(
    certificateChainFile: String, privateKeyFile: String, clientAuthorityFile: String? = nil,
    maximumVersion: TLSVersion = .tls13
  ) throws(TLSError) {
    try self.init(
      certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile,
      clientAuthorityFile: clientAuthorityFile, maximumVersion: maximumVersion
    ) { () throws(TLSError) in
      try TicketKeys(
        periodSeconds: Self.ticketKeySeconds, now: { TicketKeys.monotonicNanoseconds() })
    }
  }

  /// - Parameter ticketKeys: called at each loading, so that no ticket survives the certificate that
  ///   it was given under.
  init(
    certificateChainFile: String, privateKeyFile: String, clientAuthorityFile: String?,
    maximumVersion: TLSVersion,
    ticketKeys: @escaping @Sendable () throws(TLSError) -> TicketKeys
  ) throws(TLSError) {
    requiresClientCertificate = clientAuthorityFile != nil
    load = { () throws(TLSError) in
      let context = try OpenSSLContext(tickets: try ticketKeys(), maximumVersion: maximumVersion)
      try context.useCertificate(chainFile: certificateChainFile, keyFile: privateKeyFile)
      if let clientAuthorityFile {
        try context.requireClientCertificates(authorityFile: clientAuthorityFile)
      }
      return context
    }
    loaded = Mutex(try load())
  }

  /// Reads the files again, for new connections. When they are not usable everything stays as it
  /// was.
  package func reload() throws(TLSError) {
    let context = try load()
    loaded.withLock { $0 = context }
  }

  var context: OpenSSLContext { loaded.withLock { $0 } }
}

/// Whom a client trusts and, for mutual TLS, what it proves itself with.
///
/// Every new connection uses what was last loaded; live ones keep what they began with. Sessions are
/// resumed, by connections of the same credentials to the same server name.
package final class TLSClientCredentials: Sendable {
  private let load: @Sendable () throws(TLSError) -> OpenSSLContext
  private let loaded: Mutex<OpenSSLContext>

  /// Reads PEM files.
  ///
  /// - Parameters:
  ///   - authorityFile: the authorities trusted to sign servers.
  ///   - certificateChainFile: the own certificate, then its intermediates; nil for none.
  ///   - privateKeyFile: its key; required with a certificate.
  package init(
    authorityFile: String, certificateChainFile: String? = nil, privateKeyFile: String? = nil,
    maximumVersion: TLSVersion = .tls13
  ) throws(TLSError) {
    load = { () throws(TLSError) in
      let context = try OpenSSLContext(tickets: nil, maximumVersion: maximumVersion)
      try context.trust(authorityFile: authorityFile)
      switch (certificateChainFile, privateKeyFile) {
      case (let chain?, let key?): try context.useCertificate(chainFile: chain, keyFile: key)
      case (nil, nil): break
      case (nil, _?): throw TLSError(.file, "a client private key needs its certificate file")
      case (_?, nil): throw TLSError(.file, "a client certificate needs its private key file")
      }
      return context
    }
    loaded = Mutex(try load())
  }

  /// Reads the files again, for new connections, and forgets the sessions. When they are not usable
  /// everything stays as it was.
  package func reload() throws(TLSError) {
    let context = try load()
    loaded.withLock { $0 = context }
  }

  var context: OpenSSLContext { loaded.withLock { $0 } }
}

/// Protocol versions that are spoken.
package enum TLSVersion: Sendable, Hashable {
  case tls12
  case tls13
}
