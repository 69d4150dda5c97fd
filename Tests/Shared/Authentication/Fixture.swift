import Authentication
import Cryptography
import IdentityAPI
import Logging
import OrganizationsAPI
import RPCCore
import SharedDomain
import Synchronization

/// A clock that tests set.
final class ManualClock: WallClock {
  private let instant: Mutex<Instant>

  init(_ instant: Instant) { self.instant = Mutex(instant) }

  func now() -> Instant { instant.withLock { $0 } }
  func localDate(_ instant: Instant) -> CalendarDate {
    CalendarDate(daysSinceEpoch: Int(instant.microseconds / 86_400_000_000))
  }
  func advance(by duration: Duration) {
    instant.withLock { $0 = $0.advanced(by: duration) }
  }
}

/// Nanoseconds of a monotonic clock that tests set.
final class ManualUptime: Sendable {
  private let nanoseconds = Atomic<UInt64>(1_000_000_000_000)

  var now: UInt64 { nanoseconds.load(ordering: .relaxed) }
  func advance(by duration: Duration) {
    nanoseconds.add(duration.saturatedNanoseconds, ordering: .relaxed)
  }
}

/// A value that tests change while others read it.
final class Box<Value: Sendable>: Sendable {
  private let content: Mutex<Value>

  init(_ value: Value) { content = Mutex(value) }
  var value: Value {
    get { content.withLock { $0 } }
    set { content.withLock { $0 = newValue } }
  }
}

let start = Instant(microseconds: 1_767_000_000_000_000)
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A signing key of the issuer, the same for the same number.
struct Signer: Sendable {
  let id: String
  let key: Ed25519PrivateKey

  init(_ number: UInt8) throws {
    id = "key-\(number)"
    key = try Ed25519PrivateKey(rawRepresentation: Array(repeating: number, count: 32))
  }

  func verificationKey(expiresAt: Instant? = nil) -> VerificationKey {
    VerificationKey(id: id, publicKey: key.publicKey, expiresAt: expiresAt)
  }

  func token(_ claims: AccessClaims) throws -> String {
    try AccessToken.signed(claims, keyID: id) { try key.sign($0) }
  }
}

/// Claims that hold at ``start``.
func claims(
  issuer: String = AccessToken.issuer, audience: String = AccessToken.audience,
  organizationID: OrganizationID? = organization(1), issuedAt: Instant = start,
  expiresAt: Instant = start.advanced(by: .minutes(10))
) -> AccessClaims {
  AccessClaims(
    issuer: issuer, audience: audience, userID: user(1), sessionID: session(1),
    organizationID: organizationID, issuedAt: issuedAt, expiresAt: expiresAt)
}
