private import CCrypto

/// A key that signs with Ed25519 (RFC 8032).
package struct Ed25519PrivateKey: Sendable {
  private let key: KeyHandle
  /// The seed, 32 bytes: the secret to keep.
  package let rawRepresentation: [UInt8]
  /// The key that verifies what this one signs.
  package let publicKey: Ed25519PublicKey

  /// A new key.
  package init(random: some RandomSource = SecureRandom()) throws(CryptographyError) {
    try self.init(rawRepresentation: random.bytes(32))
  }

  /// The key of a seed; throws `.invalidKey` unless it has 32 bytes.
  package init(rawRepresentation: [UInt8]) throws(CryptographyError) {
    guard rawRepresentation.count == 32,
      let pointer = unsafe EVP_PKEY_new_raw_private_key(
        EVP_PKEY_ED25519, nil, rawRepresentation, rawRepresentation.count)
    else { throw CryptographyError(.invalidKey, "an Ed25519 private key has 32 bytes") }
    key = unsafe KeyHandle(pointer)
    self.rawRepresentation = rawRepresentation
    var count = 32
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      if unsafe EVP_PKEY_get_raw_public_key(pointer, buffer.baseAddress, &count) == 1 {
        filled = count
      }
    }
    publicKey = try Ed25519PublicKey(rawRepresentation: bytes)
  }

  /// The signature of the message, 64 bytes.
  package func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
    guard let context = unsafe EVP_MD_CTX_new() else {
      throw CryptographyError.latest(.library, while: "sign")
    }
    defer { unsafe EVP_MD_CTX_free(context) }
    var count = 64
    let signature = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      if unsafe EVP_DigestSignInit(context, nil, nil, nil, key.pointer) == 1,
        unsafe EVP_DigestSign(context, buffer.baseAddress, &count, message, message.count) == 1
      {
        filled = count
      }
    }
    guard signature.count == 64 else { throw CryptographyError.latest(.library, while: "sign") }
    return signature
  }
}

/// A key that verifies Ed25519 signatures.
package struct Ed25519PublicKey: Sendable, Hashable {
  private let key: KeyHandle
  /// The key's 32 bytes (RFC 8032, section 5.1.5).
  package let rawRepresentation: [UInt8]

  /// Throws `.invalidKey` unless there are 32 bytes.
  package init(rawRepresentation: [UInt8]) throws(CryptographyError) {
    guard rawRepresentation.count == 32,
      let pointer = unsafe EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, nil, rawRepresentation, rawRepresentation.count)
    else { throw CryptographyError(.invalidKey, "an Ed25519 public key has 32 bytes") }
    key = unsafe KeyHandle(pointer)
    self.rawRepresentation = rawRepresentation
  }

  /// Whether the signature is the message's by this key.
  package func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
    guard signature.count == 64, let context = unsafe EVP_MD_CTX_new() else { return false }
    defer { unsafe EVP_MD_CTX_free(context) }
    let isValid =
      unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key.pointer) == 1
      && EVP_DigestVerify(
        context, signature, signature.count, message, message.count) == 1
    // A wrong signature leaves entries that a later error on this thread would show.
    if !isValid { ERR_clear_error() }
    return isValid
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.rawRepresentation == right.rawRepresentation
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(rawRepresentation)
  }
}
