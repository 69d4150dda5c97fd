import Authentication
import Cryptography
import GoogleAPI
import IdentityAPI
import Messages
import RPCCore
import SharedDomain
import TestSupport
import Testing

@Suite("Access tokens")
struct AccessTokenTests {
  private let signer: Signer
  private let rules = AccessTokenRules()

  init() throws { signer = try Signer(1) }

  private func verify(
    _ text: String, key: VerificationKey? = nil, now: Instant = start
  ) throws(AccessTokenError) -> AccessClaims {
    try AccessToken(parsing: text).verifiedClaims(
      key ?? signer.verificationKey(), rules, now: now)
  }

  @Test("what was signed is read back", arguments: [organization(1), nil])
  func roundTrip(organizationID: OrganizationID?) throws {
    let claims = claims(organizationID: organizationID)
    let text = try signer.token(claims)
    #expect(text.hasPrefix("kat1.key-1."))
    #expect(text.utf8.count < 400)
    #expect(try AccessToken(parsing: text).keyID == "key-1")
    #expect(try verify(text) == claims)
  }

  @Test("a token with any one bit changed lets nobody in")
  func tampering() throws {
    let text = try signer.token(claims())
    let bytes = Array(text.utf8)
    for index in bytes.indices {
      for bit in 0..<7 {
        var changed = bytes
        changed[index] ^= 1 << UInt8(bit)
        let text = String(decoding: changed, as: UTF8.self)
        #expect(throws: AccessTokenError.self) { try verify(text) }
      }
    }
  }

  @Test("claims or a signature of another token do not fit")
  func mixing() throws {
    let one = try signer.token(claims()).split(separator: ".")
    let other = try signer.token(claims(organizationID: organization(2))).split(separator: ".")
    #expect(throws: AccessTokenError.wrongSignature) {
      try verify("kat1.key-1.\(one[2]).\(other[3])")
    }
    #expect(throws: AccessTokenError.wrongSignature) {
      try verify("kat1.key-1.\(other[2]).\(one[3])")
    }
  }

  @Test("another key's signature does not verify, whatever key the token names")
  func wrongKey() throws {
    let other = try Signer(2)
    let forged = try AccessToken.signed(claims(), keyID: signer.id) { try other.key.sign($0) }
    #expect(throws: AccessTokenError.wrongSignature) { try verify(forged) }
    let text = try other.token(claims())
    #expect(throws: AccessTokenError.unknownKey) { try verify(text) }
  }

  @Test("a key beyond its expiry verifies nothing")
  func expiredKey() throws {
    let text = try signer.token(claims())
    let key = signer.verificationKey(expiresAt: start)
    #expect(throws: AccessTokenError.expiredKey) { try verify(text, key: key) }
    let later = signer.verificationKey(expiresAt: start.advanced(by: .microseconds(1)))
    #expect(try verify(text, key: later) == claims())
  }

  @Test("another issuer's or another audience's token is refused")
  func issuerAndAudience() throws {
    let foreign = try signer.token(claims(issuer: "somebody"))
    #expect(throws: AccessTokenError.wrongIssuer) { try verify(foreign) }
    let misdirected = try signer.token(claims(audience: "kontor-mail"))
    #expect(throws: AccessTokenError.wrongAudience) { try verify(misdirected) }
  }

  @Test(
    "a token works from its issue to its expiry, with 30 seconds for clocks that differ",
    arguments: [
      (-31, AccessTokenError.notYetValid), (-30, nil), (0, nil), (599, nil), (629, nil),
      (630, AccessTokenError.expired), (100_000, AccessTokenError.expired),
    ])
  func times(second: Int, error: AccessTokenError?) throws {
    let text = try signer.token(claims())
    let now = start.advanced(by: .seconds(second))
    if let error {
      #expect(throws: error) { try verify(text, now: now) }
    } else {
      #expect(try verify(text, now: now) == claims())
    }
  }

  @Test("times at the ends of the range do not trap")
  func extremeTimes() throws {
    for instant in [Instant(microseconds: .min), Instant(microseconds: .max)] {
      let text = try signer.token(claims(issuedAt: instant, expiresAt: instant))
      _ = try? verify(text)
      _ = try? verify(signer.token(claims()), now: instant)
    }
    let whole = try signer.token(
      claims(
        issuedAt: Instant(microseconds: .min + 1_000_000), expiresAt: Instant(microseconds: .max)))
    #expect(throws: Never.self) { try verify(whole) }
  }

  @Test(
    "a text that is no token is malformed",
    arguments: [
      "", ".", "...", "....", "kat1", "kat1...", "kat1.key-1..", "kat2.key-1.AAAA.AAAA",
      "kat1.key 1.AAAA.AAAA", "kat1.key-1.AA==.AAAA", "kat1.key-1.AAAA.AAAA",
      "kat1.\(String(repeating: "k", count: 33)).AAAA.\(String(repeating: "A", count: 86))",
      "kat1.key-1.AAAA.\(String(repeating: "A", count: 86)).AAAA", "KAT1.key-1.AAAA.AAAA",
      "eyJhbGciOiJub25lIn0.e30.", String(repeating: "a", count: 1025),
    ])
  func malformed(text: String) {
    #expect(throws: AccessTokenError.malformed) { try AccessToken(parsing: text) }
  }

  @Test("what the key signed as another version of tokens is none")
  func otherVersion() throws {
    let parts = try signer.token(claims()).split(separator: ".")
    let text = "kat2.\(parts[1]).\(parts[2])"
    let signature = Base64URL.encode(try signer.key.sign(Array(text.utf8)))
    #expect(throws: AccessTokenError.malformed) { try verify("\(text).\(signature)") }
  }

  @Test("a token beyond the size limit is refused unread")
  func tooLong() throws {
    let text = try signer.token(claims(issuer: String(repeating: "i", count: 1000)))
    #expect(throws: AccessTokenError.malformed) { try verify(text) }
  }

  @Test(
    "signed claims with a wrong or missing field are malformed",
    arguments: [
      { (claims: inout AccessTokenClaims) in claims.userID = "" },
      { $0.userID = "x" }, { $0.sessionID = "" }, { $0.organizationID = "x" },
      { $0.issueTime = nil }, { $0.expireTime = nil }, { $0.expireTime?.nanos = -1 },
      { $0.expireTime?.seconds = .max }, { $0.expireTime = $0.issueTime },
    ] as [@Sendable (inout AccessTokenClaims) -> Void])
  func malformedClaims(change: @Sendable (inout AccessTokenClaims) -> Void) throws {
    let parts = try AccessToken(parsing: signer.token(claims()))
    var message = try AccessTokenClaims(serialized: parts.claims)
    change(&message)
    let text = try signed(message.serialized())
    #expect(throws: AccessTokenError.malformed) { try verify(text) }
  }

  @Test("random bytes and random changes never trap (seeded)")
  func randomInput() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var random = SplitMix(state: seed)
    let good = Array(try signer.token(claims()).utf8)
    for _ in 0..<3000 {
      var bytes: [UInt8]
      switch random.next() % 3 {
      case 0:
        bytes = (0..<random.next() % 300).map { _ in UInt8.random(in: 0...255, using: &random) }
      case 1:
        bytes = good
        for _ in 0...random.next() % 4 {
          bytes[Int(random.next() % UInt64(bytes.count))] = .random(in: 0...255, using: &random)
        }
      default:
        // Well signed, so that the claims' decoder sees random bytes.
        let claims = (0..<random.next() % 80).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes = Array(try signed(claims).utf8)
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if text != String(decoding: good, as: UTF8.self) {
        #expect(throws: AccessTokenError.self, "seed \(seed)") { try verify(text) }
      }
    }
  }

  private func signed(_ claims: [UInt8]) throws -> String {
    let text = "kat1.\(signer.id).\(Base64URL.encode(claims))"
    return "\(text).\(Base64URL.encode(try signer.key.sign(Array(text.utf8))))"
  }
}
