private import CCrypto

/// A key of libcrypto, released with its last owner.
///
/// Unchecked, because the compiler cannot see that an `EVP_PKEY` is not changed after it was made;
/// each signature has a context of its own.
@safe
final class KeyHandle: @unchecked Sendable {
  let pointer: OpaquePointer

  /// Takes the key over.
  init(_ pointer: OpaquePointer) {
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe EVP_PKEY_free(pointer)
  }

  /// A new key pair on P-256.
  static func newP256() throws(CryptographyError) -> KeyHandle {
    guard let pointer = unsafe kontor_crypto_new_p256_key() else {
      throw CryptographyError.latest(.library, while: "make a key")
    }
    return unsafe KeyHandle(pointer)
  }

  /// Reads a private key that is not encrypted.
  convenience init(pem: String) throws(CryptographyError) {
    let memory = try MemoryBuffer(pem)
    // An encrypted key would ask for its password on the terminal: the callback answers none.
    guard
      let pointer = unsafe PEM_read_bio_PrivateKey(memory.pointer, nil, { _, _, _, _ in 0 }, nil)
    else { throw CryptographyError.latest(.invalidKey, while: "read a private key") }
    unsafe self.init(pointer)
  }

  /// The private key in PKCS #8, not encrypted.
  func pem() throws(CryptographyError) -> String {
    let memory = try MemoryBuffer()
    guard
      unsafe PEM_write_bio_PKCS8PrivateKey(memory.pointer, pointer, nil, nil, 0, nil, nil) == 1
    else { throw CryptographyError.latest(.library, while: "write a private key") }
    return memory.text
  }
}

/// A memory BIO.
@safe
final class MemoryBuffer {
  let pointer: OpaquePointer

  init(_ text: String = "") throws(CryptographyError) {
    guard let pointer = unsafe BIO_new(BIO_s_mem()) else {
      throw CryptographyError.latest(.library, while: "allocate memory")
    }
    unsafe self.pointer = pointer
    let bytes = Array(text.utf8)
    unsafe BIO_write(pointer, bytes, Int32(clamping: bytes.count))
  }

  deinit {
    // Keys pass through here.
    unsafe BIO_free_all(pointer)
  }

  /// What was written, in ASCII.
  var text: String {
    var start: UnsafePointer<CChar>?
    let count = unsafe kontor_crypto_memory(pointer, &start)
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
