private import CCrypto
package import SharedDomain

/// A certificate with its private key, in PEM.
package struct IssuedCertificate: Sendable, Hashable {
  package let certificatePEM: String
  /// PKCS #8, not encrypted: the caller writes it where only its owner can read.
  package let privateKeyPEM: String

  package init(certificatePEM: String, privateKeyPEM: String) {
    self.certificatePEM = certificatePEM
    self.privateKeyPEM = privateKeyPEM
  }
}

/// From when to when a certificate holds; X.509 keeps whole seconds.
package struct CertificateValidity: Sendable, Hashable {
  package var start: Instant
  package var end: Instant

  package init(from start: Instant, until end: Instant) {
    self.start = start
    self.end = end
  }
}

/// A certificate authority of an installation's own: ECDSA on P-256, signatures with SHA-256
/// (RFC 5280). It signs certificates for servers and their peers, not further authorities.
package struct CertificateAuthority: Sendable {
  /// The authority's own certificate and key.
  package let identity: IssuedCertificate
  private let name: String
  private let key: KeyHandle
  private let certificate: CertificateHandle
  private let random: any RandomSource

  /// Makes a new authority with a new key.
  ///
  /// Throws `.invalidSubject` for an empty or overlong name or a validity that ends before it
  /// begins.
  package init(
    name: String, validity: CertificateValidity, random: any RandomSource = SecureRandom()
  ) throws(CryptographyError) {
    let key = try KeyHandle.newP256()
    let certificate = try CertificateHandle.make(
      subject: name, issuer: name, key: key, validity: validity, random: random)
    try certificate.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0", issuer: certificate)
    try certificate.add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: certificate)
    try certificate.add(NID_subject_key_identifier, "hash", issuer: certificate)
    try certificate.sign(with: key)
    self.name = name
    self.key = key
    self.certificate = certificate
    self.random = random
    identity = IssuedCertificate(
      certificatePEM: try certificate.pem(), privateKeyPEM: try key.pem())
  }

  /// Reads an authority that was made before. Throws `.invalidCertificate` and `.invalidKey`.
  package init(
    _ identity: IssuedCertificate, random: any RandomSource = SecureRandom()
  ) throws(CryptographyError) {
    certificate = try CertificateHandle(pem: identity.certificatePEM)
    key = try KeyHandle(pem: identity.privateKeyPEM)
    guard certificate.belongs(to: key) else {
      throw CryptographyError(.invalidCertificate, "the certificate is of another key")
    }
    name = try certificate.subjectName()
    self.identity = identity
    self.random = random
  }

  /// Signs a certificate with a new key, for TLS servers and clients.
  ///
  /// - Parameters:
  ///   - dnsNames: host names, at least one; the first is the subject's common name too.
  ///   - addresses: IPv4 and IPv6 addresses in text.
  /// - Throws: `.invalidSubject` naming what a certificate cannot hold.
  package func issue(
    dnsNames: [String], addresses: [String] = [], validity: CertificateValidity
  ) throws(CryptographyError) -> IssuedCertificate {
    guard let subject = dnsNames.first else {
      throw CryptographyError(.invalidSubject, "a certificate needs a DNS name")
    }
    var alternatives: [String] = []
    for name in dnsNames {
      try Self.check(dnsName: name)
      alternatives.append("DNS:" + name)
    }
    for address in addresses {
      try Self.check(address: address)
      alternatives.append("IP:" + address)
    }
    let key = try KeyHandle.newP256()
    let leaf = try CertificateHandle.make(
      subject: subject, issuer: name, key: key, validity: validity, random: random)
    try leaf.add(NID_basic_constraints, "critical,CA:FALSE", issuer: certificate)
    try leaf.add(NID_key_usage, "critical,digitalSignature", issuer: certificate)
    try leaf.add(NID_ext_key_usage, "serverAuth,clientAuth", issuer: certificate)
    try leaf.add(NID_subject_key_identifier, "hash", issuer: certificate)
    try leaf.add(NID_authority_key_identifier, "keyid:always", issuer: certificate)
    try leaf.add(
      NID_subject_alt_name, alternatives.joined(separator: ","), issuer: certificate)
    try leaf.sign(with: self.key)
    return IssuedCertificate(certificatePEM: try leaf.pem(), privateKeyPEM: try key.pem())
  }

  /// Letters, digits, hyphens, dots and a leading wildcard; OpenSSL reads commas and colons as
  /// more names.
  private static func check(dnsName: String) throws(CryptographyError) {
    let name = dnsName.hasPrefix("*.") ? dnsName.dropFirst(2) : dnsName[...]
    let labels = name.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
    let isValid =
      (1...253).contains(dnsName.utf8.count)
      && labels.allSatisfy { label in
        (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
          && label.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
            default: false
            }
          }
      }
    guard isValid else {
      throw CryptographyError(.invalidSubject, "“\(dnsName)” is no DNS name")
    }
  }

  private static func check(address: String) throws(CryptographyError) {
    let parsed = unsafe a2i_IPADDRESS(address)
    guard let parsed = unsafe parsed else {
      ERR_clear_error()
      throw CryptographyError(.invalidSubject, "“\(address)” is no IP address")
    }
    unsafe ASN1_OCTET_STRING_free(parsed)
  }
}
