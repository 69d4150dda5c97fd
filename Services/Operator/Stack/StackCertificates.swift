internal import Bootstrap
internal import Cryptography
package import SharedDomain

/// The certificates of a stack: an authority of its own, and one certificate for each service and
/// one for the operator.
package struct StackCertificates {
  private static let authorityDays: Int64 = 3650
  private static let certificateDays: Int64 = 90

  private let folder: String
  private let now: Instant

  /// The certificates of a stack.
  init(_ folder: StackFolder, now: Instant) {
    self.init(writingTo: folder.certificates, now: now)
  }

  /// Certificates in a folder of their own.
  package init(writingTo folder: String, now: Instant) {
    self.folder = folder
    self.now = now
  }

  /// Makes the authority where there is none, and new certificates for all.
  ///
  /// - Parameter extraNames: further DNS names of the gateway.
  package func issue(extraNames: [String] = []) throws {
    try StackFolder.makeFolder(folder)
    let authority = try readOrMakeAuthority()
    for service in ServiceName.allCases {
      let isGateway = service == .gateway
      try issue(
        service.executable, by: authority,
        dnsNames: [service.executable, "localhost"] + (isGateway ? extraNames : []))
    }
    let name = OperatorCertificate.dnsName
    try issue(name, by: authority, dnsNames: [name])
  }

  private func readOrMakeAuthority() throws -> CertificateAuthority {
    if let certificate = PrivateFile.read("\(folder)/authority.pem"),
      let key = PrivateFile.read("\(folder)/authority.key")
    {
      return try CertificateAuthority(
        IssuedCertificate(certificatePEM: certificate, privateKeyPEM: key))
    }
    let authority = try CertificateAuthority(
      name: "Kontor throw-away authority", validity: validity(days: Self.authorityDays))
    try PrivateFile.write(authority.identity.privateKeyPEM, to: "\(folder)/authority.key")
    try PrivateFile.write(authority.identity.certificatePEM, to: "\(folder)/authority.pem")
    return authority
  }

  private func issue(
    _ name: String, by authority: CertificateAuthority, dnsNames: [String]
  ) throws {
    let issued = try authority.issue(
      dnsNames: dnsNames, addresses: ["127.0.0.1", "::1"],
      validity: validity(days: Self.certificateDays))
    try PrivateFile.write(issued.privateKeyPEM, to: "\(folder)/\(name).key")
    try PrivateFile.write(issued.certificatePEM, to: "\(folder)/\(name).pem")
  }

  /// From an hour ago, for clocks that differ a little.
  private func validity(days: Int64) -> CertificateValidity {
    CertificateValidity(from: now.advanced(by: .hours(-1)), until: now.advanced(by: .days(days)))
  }
}
