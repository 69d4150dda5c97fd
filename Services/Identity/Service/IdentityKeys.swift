internal import Cryptography
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// The service's symmetric keys, each for one use, derived from one secret that is made at first
/// start and kept in the service's database.
struct IdentityKeys: Sendable {
  /// Keys the hashes of requests (idempotency).
  let operationKey: [UInt8]
  /// Makes a password part of a request's hash without showing it.
  let passwordKey: [UInt8]
  /// Makes the codes of sign-ups.
  let codeKey: [UInt8]
  /// Keys the hashes of logins and sources whose failed sign-ins are counted.
  let loginKey: [UInt8]

  init(master: [UInt8]) {
    func key(_ use: String) -> [UInt8] {
      HKDFSHA256.derive(from: master, info: "kontor-identity/1/\(use)", count: 32)
    }
    operationKey = key("operation")
    passwordKey = key("password")
    codeKey = key("code")
    loginKey = key("login")
  }

  /// Reads the secret; makes it where there is none.
  static func load(
    from database: any Database, random: any RandomSource
  ) async throws -> IdentityKeys {
    IdentityKeys(master: try await ServiceSecrets.secret("master", in: database, random: random))
  }

  /// What stands for a password in the hash of a request.
  func passwordMark(_ password: String) -> String {
    Hex.encode(HMACSHA256.code(for: Array(password.utf8), key: passwordKey))
  }

  /// What stands for a login or a source in the tables of failed sign-ins.
  func loginMark(_ text: String) -> [UInt8] {
    HMACSHA256.code(for: Array(text.utf8), key: loginKey)
  }
}
