/// What a server proves itself with and, for mutual TLS, whom it accepts.
///
/// TLS 1.2 with ECDHE and AEAD, or 1.3; X25519 and P-256; ALPN `h2`; no renegotiation, compression
/// or early data. Loaded once and shared by every connection; a reload makes a new value.
package final class TLSServerCredentials: Sendable {
  let context: OpenSSLContext
  /// True when clients must present a certificate of the client authority.
  package let requiresClientCertificate: Bool

  /// Reads PEM files.
  ///
  /// - Parameters:
  ///   - certificateChainFile: the own certificate, then its intermediates.
  ///   - privateKeyFile: the unencrypted key.
  ///   - clientAuthorityFile: authorities whose certificates clients must have; nil for none.
  package init(
    certificateChainFile: String, privateKeyFile: String, clientAuthorityFile: String? = nil,
    maximumVersion: TLSVersion = .tls13
  ) throws(TLSError) {
    context = try OpenSSLContext(isServer: true, maximumVersion: maximumVersion)
    try context.useCertificate(chainFile: certificateChainFile, keyFile: privateKeyFile)
    requiresClientCertificate = clientAuthorityFile != nil
    if let clientAuthorityFile {
      try context.requireClientCertificates(authorityFile: clientAuthorityFile)
    }
  }
}

/// Whom a client trusts and, for mutual TLS, what it proves itself with.
package final class TLSClientCredentials: Sendable {
  let context: OpenSSLContext

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
    context = try OpenSSLContext(isServer: false, maximumVersion: maximumVersion)
    try context.trust(authorityFile: authorityFile)
    switch (certificateChainFile, privateKeyFile) {
    case (let chain?, let key?): try context.useCertificate(chainFile: chain, keyFile: key)
    case (nil, nil): break
    case (nil, _?): throw TLSError(.file, "a client private key needs its certificate file")
    case (_?, nil): throw TLSError(.file, "a client certificate needs its private key file")
    }
  }
}

/// Protocol versions that are spoken.
package enum TLSVersion: Sendable, Hashable {
  case tls12
  case tls13
}
