import Cryptography
import SharedDomain
import Testing

@Suite struct CertificateTests {
  private let validity = CertificateValidity(
    from: Instant(microseconds: 1_700_000_000_000_000),
    until: Instant(microseconds: 4_000_000_000_000_000))

  @Test func `an authority signs certificates and can be read again`() throws {
    let authority = try CertificateAuthority(name: "kontor test", validity: validity)
    #expect(authority.identity.certificatePEM.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
    #expect(authority.identity.privateKeyPEM.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
    let again = try CertificateAuthority(authority.identity)
    #expect(again.identity == authority.identity)
    let leaf = try again.issue(
      dnsNames: ["shop.kontor.internal", "localhost"], addresses: ["127.0.0.1", "::1"],
      validity: validity)
    #expect(leaf.certificatePEM.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
    #expect(leaf.privateKeyPEM != authority.identity.privateKeyPEM)
  }

  @Test func `a key of another certificate is refused`() throws {
    let first = try CertificateAuthority(name: "first", validity: validity)
    let second = try CertificateAuthority(name: "second", validity: validity)
    #expect(throws: CryptographyError(.invalidCertificate, "")) {
      try CertificateAuthority(
        IssuedCertificate(
          certificatePEM: first.identity.certificatePEM,
          privateKeyPEM: second.identity.privateKeyPEM))
    }
    #expect(throws: CryptographyError(.invalidCertificate, "")) {
      try CertificateAuthority(IssuedCertificate(certificatePEM: "x", privateKeyPEM: "y"))
    }
    #expect(throws: CryptographyError(.invalidKey, "")) {
      try CertificateAuthority(
        IssuedCertificate(
          certificatePEM: first.identity.certificatePEM, privateKeyPEM: "nonsense"))
    }
  }

  @Test(arguments: [
    [], [""], ["a,DNS:b"], ["a b"], ["a..b"], ["-a"], ["a-"], ["a:b"], ["*"], ["a.*.b"],
    [String(repeating: "a", count: 64)],
  ])
  func `names that are none are refused`(_ names: [String]) throws {
    let authority = try CertificateAuthority(name: "kontor test", validity: validity)
    #expect(throws: CryptographyError(.invalidSubject, "")) {
      try authority.issue(dnsNames: names, validity: validity)
    }
  }

  @Test(arguments: ["", "1.2.3", "1.2.3.4,DNS:b", "example.org", "1.2.3.4/8"])
  func `addresses that are none are refused`(_ address: String) throws {
    let authority = try CertificateAuthority(name: "kontor test", validity: validity)
    #expect(throws: CryptographyError(.invalidSubject, "")) {
      try authority.issue(dnsNames: ["a"], addresses: [address], validity: validity)
    }
  }

  @Test func `an empty name and a validity that ends early are refused`() {
    #expect(throws: CryptographyError(.invalidSubject, "")) {
      try CertificateAuthority(name: "", validity: validity)
    }
    #expect(throws: CryptographyError(.invalidSubject, "")) {
      try CertificateAuthority(
        name: "a", validity: CertificateValidity(from: validity.end, until: validity.start))
    }
  }
}
