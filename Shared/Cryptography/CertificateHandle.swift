private import CCrypto
internal import SharedDomain

/// An X.509 certificate of libcrypto, released with its last owner.
///
/// Unchecked, because the compiler cannot see that it is not changed after it was signed.
@safe
final class CertificateHandle: @unchecked Sendable {
  private let pointer: OpaquePointer

  private init(_ pointer: OpaquePointer) {
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe X509_free(pointer)
  }

  /// Reads a certificate.
  convenience init(pem: String) throws(CryptographyError) {
    let memory = try MemoryBuffer(pem)
    guard let pointer = unsafe PEM_read_bio_X509(memory.pointer, nil, nil, nil) else {
      throw CryptographyError.latest(.invalidCertificate, while: "read a certificate")
    }
    unsafe self.init(pointer)
  }

  /// A certificate of version 3 without extensions and signature.
  static func make(
    subject: String, issuer: String, key: KeyHandle, validity: CertificateValidity,
    random: any RandomSource
  ) throws(CryptographyError) -> CertificateHandle {
    guard validity.start < validity.end else {
      throw CryptographyError(.invalidSubject, "a certificate's validity ends before it begins")
    }
    guard let pointer = unsafe X509_new() else {
      throw CryptographyError.latest(.library, while: "make a certificate")
    }
    let certificate = unsafe CertificateHandle(pointer)
    guard unsafe X509_set_version(pointer, 2) == 1,
      certificate.setSerialNumber(random),
      certificate.setTimes(validity),
      unsafe X509_set_pubkey(pointer, key.pointer) == 1
    else { throw CryptographyError.latest(.library, while: "make a certificate") }
    guard unsafe Self.set(X509_get_subject_name(pointer), subject),
      unsafe Self.set(X509_get_issuer_name(pointer), issuer)
    else {
      ERR_clear_error()
      throw CryptographyError(.invalidSubject, "“\(subject)” is no common name of 1 to 64 bytes")
    }
    return certificate
  }

  /// 127 random bits: positive, unlike any other (RFC 5280, section 4.1.2.2).
  private func setSerialNumber(_ random: any RandomSource) -> Bool {
    var bytes = random.bytes(16)
    bytes[0] = bytes[0] & 0x7F | 0x40
    guard let number = unsafe BN_bin2bn(bytes, Int32(bytes.count), nil) else { return false }
    defer { unsafe BN_free(number) }
    return unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil
  }

  private func setTimes(_ validity: CertificateValidity) -> Bool {
    let start = Int(validity.start.microseconds / 1_000_000)
    let end = Int(validity.end.microseconds / 1_000_000)
    return unsafe ASN1_TIME_set(X509_getm_notBefore(pointer), start) != nil
      && ASN1_TIME_set(X509_getm_notAfter(pointer), end) != nil
  }

  private static func set(_ name: OpaquePointer?, _ commonName: String) -> Bool {
    let bytes = Array(commonName.utf8)
    guard (1...64).contains(bytes.count) else { return false }
    return unsafe X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_FLAG, bytes, Int32(bytes.count), -1, 0) == 1
  }

  /// Adds an extension, written as in OpenSSL's configuration.
  func add(
    _ identifier: Int32, _ value: String, issuer: CertificateHandle
  ) throws(CryptographyError) {
    guard
      unsafe kontor_crypto_add_extension(pointer, issuer.pointer, identifier, value) == 1
    else { throw CryptographyError.latest(.library, while: "add an extension") }
  }

  func sign(with key: KeyHandle) throws(CryptographyError) {
    guard unsafe X509_sign(pointer, key.pointer, EVP_sha256()) > 0 else {
      throw CryptographyError.latest(.library, while: "sign a certificate")
    }
  }

  /// Whether the private key is the certificate's.
  func belongs(to key: KeyHandle) -> Bool {
    let result = unsafe X509_check_private_key(pointer, key.pointer) == 1
    if !result { ERR_clear_error() }
    return result
  }

  /// The subject's common name.
  func subjectName() throws(CryptographyError) -> String {
    let name = unsafe X509_get_subject_name(pointer)
    let index = unsafe X509_NAME_get_index_by_NID(name, NID_commonName, -1)
    let data = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = unsafe index < 0 ? -1 : ASN1_STRING_to_UTF8(&bytes, data)
    guard count >= 0 else {
      throw CryptographyError(.invalidCertificate, "the certificate has no common name")
    }
    defer { unsafe CRYPTO_free(bytes, "", 0) }
    let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: Int(count))
    return unsafe String(decoding: buffer, as: UTF8.self)
  }

  func pem() throws(CryptographyError) -> String {
    let memory = try MemoryBuffer()
    guard unsafe PEM_write_bio_X509(memory.pointer, pointer) == 1 else {
      throw CryptographyError.latest(.library, while: "write a certificate")
    }
    return memory.text
  }
}
