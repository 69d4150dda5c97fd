private import CCrypto

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
  /// The length of a hash in bytes.
  package static let byteCount = 32

  /// The hash of the bytes, 32 bytes.
  package static func hash(_ bytes: [UInt8]) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
      let result = unsafe EVP_Digest(
        bytes, bytes.count, output.baseAddress, nil, Algorithm.shared.handle, nil)
      precondition(result == 1, "SHA-256 has no memory")
      count = byteCount
    }
  }

  /// The library's implementation, looked up once: that takes longer than to hash a record.
  ///
  /// Unchecked, because the compiler cannot see that the handle's object never changes.
  @safe
  private final class Algorithm: @unchecked Sendable {
    static let shared = Algorithm()

    let handle: OpaquePointer?

    private init() {
      unsafe handle = EVP_MD_fetch(nil, "SHA256", nil)
      precondition(unsafe handle != nil, "OpenSSL has no SHA-256")
    }
  }

  /// The hash of what comes in parts, 32 bytes.
  ///
  /// - Parameter next: the following part; nil after the last.
  package static func hash(parts next: () throws -> [UInt8]?) throws -> [UInt8] {
    guard let context = unsafe EVP_MD_CTX_new() else {
      throw CryptographyError.latest(.library, while: "hash")
    }
    defer { unsafe EVP_MD_CTX_free(context) }
    var isGood = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    while let part = try next() {
      isGood = unsafe isGood && EVP_DigestUpdate(context, part, part.count) == 1
    }
    let hash = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
      isGood = unsafe isGood && EVP_DigestFinal_ex(context, output.baseAddress, nil) == 1
      count = isGood ? byteCount : 0
    }
    guard isGood else { throw CryptographyError.latest(.library, while: "hash") }
    return hash
  }

  /// The hash of the text's UTF-8, 32 bytes.
  package static func hash(_ text: String) -> [UInt8] {
    hash(Array(text.utf8))
  }
}

/// HMAC with SHA-256 (RFC 2104).
package enum HMACSHA256 {
  /// The length of what the hash takes at once, in bytes.
  private static let blockByteCount = 64

  /// The authentication code of the bytes, 32 bytes.
  ///
  /// Of two hashes: OpenSSL's HMAC looks its parts up at every call, which takes longer than they do.
  package static func code(for bytes: [UInt8], key: [UInt8]) -> [UInt8] {
    let key = key.count > blockByteCount ? SHA256.hash(key) : key
    let inner = SHA256.hash(padded(key, 0x36) + bytes)
    return SHA256.hash(padded(key, 0x5C) + inner)
  }

  private static func padded(_ key: [UInt8], _ pad: UInt8) -> [UInt8] {
    var block = [UInt8](repeating: pad, count: blockByteCount)
    for index in key.indices { block[index] ^= key[index] }
    return block
  }

  /// Whether the code is right, compared in constant time.
  package static func isValid(_ code: [UInt8], for bytes: [UInt8], key: [UInt8]) -> Bool {
    constantTimeEqual(code, self.code(for: bytes, key: key))
  }
}

/// HKDF with SHA-256 (RFC 5869): keys for several uses from one secret.
package enum HKDFSHA256 {
  /// Derives a key.
  ///
  /// - Parameters:
  ///   - secret: the input keying material; as much entropy as the derived keys need.
  ///   - salt: may be empty.
  ///   - info: names the use, so that two uses never share a key.
  ///   - count: bytes wanted, at most 8160.
  package static func derive(
    from secret: [UInt8], salt: [UInt8] = [], info: String, count: Int
  ) -> [UInt8] {
    derive(from: secret, salt: salt, info: Array(info.utf8), count: count)
  }

  static func derive(
    from secret: [UInt8], salt: [UInt8], info: [UInt8], count: Int
  ) -> [UInt8] {
    precondition((1...255 * SHA256.byteCount).contains(count), "HKDF makes 1 to 8160 bytes")
    let key = HMACSHA256.code(
      for: secret, key: salt.isEmpty ? [UInt8](repeating: 0, count: SHA256.byteCount) : salt)
    var derived: [UInt8] = []
    var block: [UInt8] = []
    var counter: UInt8 = 0
    while derived.count < count {
      counter += 1
      block = HMACSHA256.code(for: block + info + [counter], key: key)
      derived += block
    }
    return Array(derived.prefix(count))
  }
}

/// Whether both are equal, in a time that depends on their lengths only.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  unsafe left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
