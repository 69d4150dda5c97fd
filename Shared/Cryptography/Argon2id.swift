private import CArgon2

/// The cost of an Argon2id hash.
package struct Argon2Parameters: Sendable, Hashable {
  package var memoryKibibytes: UInt32
  /// Passes over the memory.
  package var iterations: UInt32
  /// Lanes, computed one after the other.
  package var parallelism: UInt32

  /// The rule's (ID-7): 19 MiB, 2 passes, 1 lane.
  package static let standard = Argon2Parameters(
    memoryKibibytes: 19 * 1024, iterations: 2, parallelism: 1)

  package init(memoryKibibytes: UInt32, iterations: UInt32, parallelism: UInt32) {
    self.memoryKibibytes = memoryKibibytes
    self.iterations = iterations
    self.parallelism = parallelism
  }
}

/// Argon2id version 1.3 (RFC 9106), by libargon2.
enum Argon2id {
  /// The tag of so many bytes. Takes tens of milliseconds: never on an event loop or the
  /// cooperative pool.
  static func hash(
    _ password: [UInt8], salt: [UInt8], secret: [UInt8] = [], associatedData: [UInt8] = [],
    parameters: Argon2Parameters, byteCount: Int
  ) throws(CryptographyError) -> [UInt8] {
    var password = password
    var salt = salt
    var secret = secret
    var associatedData = associatedData
    var code = ARGON2_MEMORY_ALLOCATION_ERROR.rawValue
    let tag = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { output, filled in
      unsafe password.withUnsafeMutableBufferPointer { password in
        unsafe salt.withUnsafeMutableBufferPointer { salt in
          unsafe secret.withUnsafeMutableBufferPointer { secret in
            unsafe associatedData.withUnsafeMutableBufferPointer { data in
              var context = unsafe argon2_context()
              unsafe context.out = output.baseAddress
              unsafe context.outlen = UInt32(byteCount)
              unsafe context.pwd = password.baseAddress
              unsafe context.pwdlen = UInt32(password.count)
              unsafe context.salt = salt.baseAddress
              unsafe context.saltlen = UInt32(salt.count)
              unsafe context.secret = secret.isEmpty ? nil : secret.baseAddress
              unsafe context.secretlen = UInt32(secret.count)
              unsafe context.ad = data.isEmpty ? nil : data.baseAddress
              unsafe context.adlen = UInt32(data.count)
              unsafe context.t_cost = parameters.iterations
              unsafe context.m_cost = parameters.memoryKibibytes
              unsafe context.lanes = parameters.parallelism
              unsafe context.threads = 1
              unsafe context.version = UInt32(ARGON2_VERSION_13.rawValue)
              unsafe context.flags = kontor_argon2_clear_password
              code = unsafe argon2_ctx(&context, Argon2_id)
            }
          }
        }
      }
      filled = code == ARGON2_OK.rawValue ? byteCount : 0
    }
    guard tag.count == byteCount else {
      let message = unsafe String(cString: argon2_error_message(code))
      throw CryptographyError(.library, "hash a password: \(message)")
    }
    return tag
  }
}
