internal import Authentication
internal import Cryptography
internal import IdentityDomain
internal import IdentityStorage
internal import SQLCore
internal import SharedDomain
internal import Synchronization

/// The keys that sign access tokens: one in use, and those that were replaced while their tokens
/// can still be met.
final class SigningKeyRing: Sendable {
  /// A key as it is used.
  private struct Key: Sendable {
    let id: String
    let key: Ed25519PrivateKey
    let createdAt: Instant
    let expiresAt: Instant?
  }

  private let database: any Database
  private let random: any RandomSource
  /// Newest first.
  private let keys: Mutex<[Key]>

  /// Reads the keys; makes the first one where there is none.
  init(
    database: any Database, random: any RandomSource, clock: any WallClock
  ) async throws {
    self.database = database
    self.random = random
    keys = Mutex([])
    try await rotateWhereDue(at: clock.now())
  }

  /// Replaces the key in use where its time is over, and forgets those that no token needs.
  func rotateWhereDue(at now: Instant) async throws {
    let fresh = try Ed25519PrivateKey(rawRepresentation: random.bytes(32))
    let row = KeyStore.SigningKeyRow(
      id: Self.id(of: fresh.publicKey), privateKey: fresh.rawRepresentation, createdAt: now,
      expiresAt: nil)
    let rows = try await database.write { transaction in
      try KeyStore.deleteSigningKeys(expiredBefore: now, in: transaction)
      let stored = try KeyStore.signingKeys(in: transaction)
      let inUse = stored.first { $0.expiresAt == nil }
      guard SigningKeySchedule.needsKey(newestMadeAt: inUse?.createdAt, at: now) else {
        return stored
      }
      try KeyStore.rotate(
        to: row, replacedExpiresAt: SigningKeySchedule.expiry(replacedAt: now), in: transaction)
      return try KeyStore.signingKeys(in: transaction)
    }
    let read = try rows.map { row in
      Key(
        id: row.id, key: try Ed25519PrivateKey(rawRepresentation: row.privateKey),
        createdAt: row.createdAt, expiresAt: row.expiresAt)
    }
    keys.withLock { $0 = read }
  }

  /// The token of some claims, signed with the key in use.
  ///
  /// Where the key's time is over, it is replaced first.
  func token(_ claims: AccessClaims, at now: Instant) async throws -> String {
    var key = inUse()
    if key.map({ SigningKeySchedule.needsKey(newestMadeAt: $0.createdAt, at: now) }) ?? true {
      try await rotateWhereDue(at: now)
      key = inUse()
    }
    guard let key else {
      throw CryptographyError(.invalidKey, "there is no key to sign access tokens with")
    }
    return try AccessToken.signed(claims, keyID: key.id) { try key.key.sign($0) }
  }

  /// The public keys whose tokens can be met, newest first.
  func verificationKeys(at now: Instant) -> [VerificationKey] {
    keys.withLock { $0 }.filter { key in key.expiresAt.map { now < $0 } ?? true }.map {
      VerificationKey(id: $0.id, publicKey: $0.key.publicKey, expiresAt: $0.expiresAt)
    }
  }

  private func inUse() -> Key? {
    keys.withLock { $0.first { $0.expiresAt == nil } }
  }

  /// Names a key: the first half of its public key's hash.
  private static func id(of key: Ed25519PublicKey) -> String {
    Hex.encode(Array(SHA256.hash(key.rawRepresentation).prefix(8)))
  }
}
