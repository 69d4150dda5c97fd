internal import Cryptography
internal import Glibc
internal import SharedDomain

/// A throw-away certificate authority with its certificates as PEM files in a temporary folder.
package final class TestCertificates: Sendable {
  /// A certificate file and its key file.
  package struct Files: Sendable {
    package let certificate: String
    package let key: String
  }

  /// The temporary folder; removed with the value.
  package let folder: String
  /// The authority's certificate file.
  package let authorityFile: String
  private let authority: CertificateAuthority
  private let now: Instant

  package struct Failure: Error { package let description: String }

  package init() throws {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    now = Instant(microseconds: Int64(time.tv_sec) * 1_000_000)
    var template = Array("/tmp/kontor-certificates-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary folder") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let day = Duration.seconds(86_400)
    authority = try CertificateAuthority(
      name: "Test authority",
      validity: CertificateValidity(
        from: now.advanced(by: .zero - day - day - day), until: now.advanced(by: day)))
    authorityFile = folder + "/authority.pem"
    try Self.write(authority.identity.certificatePEM, authorityFile)
  }

  deinit {
    guard let entries = opendir(folder) else { return }
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      unlink(folder + "/" + name)
    }
    closedir(entries)
    rmdir(folder)
  }

  /// Issues a certificate with these names; `days` is its end from now, negative for one that has
  /// expired.
  package func issue(
    _ dnsNames: [String], addresses: [String] = [], days: Int = 1
  ) throws -> Files {
    let day = Duration.seconds(86_400)
    let issued = try authority.issue(
      dnsNames: dnsNames, addresses: addresses,
      validity: CertificateValidity(
        from: now.advanced(by: .zero - day * 2), until: now.advanced(by: day * days)))
    let place = folder + "/\(dnsNames[0])-\(UInt64.random(in: 0 ... .max))"
    let files = Files(certificate: place + ".pem", key: place + ".key")
    try Self.write(issued.certificatePEM, files.certificate)
    try Self.write(issued.privateKeyPEM, files.key)
    return files
  }

  /// Writes a file of any content into the folder; returns its path.
  package func write(_ text: String, as name: String) throws -> String {
    try Self.write(text, folder + "/" + name)
    return folder + "/" + name
  }

  /// Copies a file into the folder, over what is there under that name; returns its path.
  package func copy(_ path: String, as name: String) throws -> String {
    guard let file = fopen(path, "r") else { throw Failure(description: "cannot read \(path)") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let size = fread(&bytes, 1, bytes.count, file)
    return try write(String(decoding: bytes[..<size], as: UTF8.self), as: name)
  }

  private static func write(_ text: String, _ path: String) throws {
    guard let file = fopen(path, "w") else { throw Failure(description: "cannot write \(path)") }
    defer { fclose(file) }
    guard fputs(text, file) >= 0 else { throw Failure(description: "cannot write \(path)") }
  }
}
