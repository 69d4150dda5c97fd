private import CCrypto

/// Where unpredictable bytes come from; injected, so that tests can repeat a run.
package protocol RandomSource: Sendable {
  /// So many random bytes.
  func bytes(_ count: Int) -> [UInt8]
}

extension RandomSource {
  /// A code for people to type: so many decimal digits, each equally likely.
  package func digits(_ count: Int) -> String {
    var text = ""
    while text.utf8.count < count {
      // 250…255 would make the low digits likelier.
      for byte in bytes(count) where byte < 250 && text.utf8.count < count {
        text.append(String(byte % 10))
      }
    }
    return text
  }

  /// A secret for links and cookies: so many random bytes in base64url.
  package func token(byteCount: Int) -> String {
    Base64URL.encode(bytes(byteCount))
  }

  /// 64 random bits.
  package func word() -> UInt64 {
    bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// The cryptographically secure generator of libcrypto.
package struct SecureRandom: RandomSource {
  package init() {}

  /// So many random bytes; a generator without entropy stops the program.
  package func bytes(_ count: Int) -> [UInt8] {
    guard count > 0 else { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let result = unsafe RAND_bytes(buffer.baseAddress, Int32(clamping: count))
      precondition(result == 1, "the random generator has no entropy")
      filled = count
    }
  }
}
