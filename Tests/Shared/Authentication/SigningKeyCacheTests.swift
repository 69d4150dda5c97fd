import Authentication
import Cryptography
import IdentityAPI
import RPCCore
import SharedDomain
import TestSupport
import Testing

@Suite("The issuer's keys")
struct SigningKeyCacheTests {
  private let uptime = ManualUptime()
  private let fetches = Counter()
  /// What the issuer answers; nil while it is down.
  private let issuer: Box<[VerificationKey]?>

  init() throws {
    issuer = Box([try Signer(1).verificationKey()])
  }

  private func cache() -> SigningKeyCache {
    let (uptime, fetches, issuer) = (uptime, fetches, issuer)
    return SigningKeyCache(logger: silent, uptime: { uptime.now }) { _ in
      _ = fetches.next()
      guard let keys = issuer.value else { throw RPCError(.unavailable, "down") }
      return keys
    }
  }

  @Test("keys are fetched once, when the first token comes")
  func fetchedOnce() async throws {
    let cache = cache()
    #expect(fetches.value == 0)
    for _ in 0..<5 { #expect(try await cache.key("key-1", CallOptions())?.id == "key-1") }
    #expect(fetches.value == 1)
  }

  @Test("an unknown key asks again, at a limited rate")
  func unknownKey() async throws {
    let cache = cache()
    _ = try await cache.key("key-1", CallOptions())
    for _ in 0..<50 { #expect(try await cache.key("key-2", CallOptions()) == nil) }
    #expect(fetches.value == 1)
    issuer.value = [try Signer(2).verificationKey(), try Signer(1).verificationKey()]
    uptime.advance(by: .seconds(5))
    #expect(try await cache.key("key-2", CallOptions())?.id == "key-2")
    #expect(fetches.value == 2)
    for _ in 0..<50 { #expect(try await cache.key("key-3", CallOptions()) == nil) }
    #expect(fetches.value == 2)
  }

  @Test("100 tokens of an unknown key at once cost one call")
  func coalesced() async throws {
    let gate = Gate()
    let (uptime, fetches) = (uptime, fetches)
    let key = try Signer(1).verificationKey()
    let cache = SigningKeyCache(logger: silent, uptime: { uptime.now }) { _ in
      _ = fetches.next()
      await gate.pass()
      return [key]
    }
    try await withThrowingTaskGroup(of: String?.self) { group in
      for _ in 0..<100 { group.addTask { try await cache.key("key-1", CallOptions())?.id } }
      await gate.arrived(1)
      gate.open()
      for try await id in group { #expect(id == "key-1") }
    }
    #expect(fetches.value == 1)
  }

  @Test("known keys go on working while the issuer is down; unknown ones are UNAVAILABLE")
  func issuerDown() async throws {
    let cache = cache()
    _ = try await cache.key("key-1", CallOptions())
    issuer.value = nil
    uptime.advance(by: .hours(1))
    for _ in 0..<10 { #expect(try await cache.key("key-1", CallOptions())?.id == "key-1") }
    #expect(fetches.value == 2)
    await #expect(throws: RPCError.self) { try await cache.key("key-2", CallOptions()) }
    #expect(fetches.value == 2)
    uptime.advance(by: .seconds(1))
    let error = try #require(
      await #expect(throws: RPCError.self) { try await cache.key("key-2", CallOptions()) })
    #expect(error.code == .unavailable)
    #expect(error.reason == "SIGNING_KEYS_UNAVAILABLE")
    #expect(fetches.value == 3)
  }

  @Test("the first token finds the issuer down, a later one finds it up")
  func downAtStart() async throws {
    issuer.value = nil
    let cache = cache()
    await #expect(throws: RPCError.self) { try await cache.key("key-1", CallOptions()) }
    issuer.value = [try Signer(1).verificationKey()]
    uptime.advance(by: .seconds(1))
    #expect(try await cache.key("key-1", CallOptions())?.id == "key-1")
  }

  @Test("keys are asked for anew after five minutes, so that a withdrawn one is dropped")
  func maximumAge() async throws {
    let cache = cache()
    _ = try await cache.key("key-1", CallOptions())
    issuer.value = [try Signer(2).verificationKey()]
    uptime.advance(by: .seconds(299))
    #expect(try await cache.key("key-1", CallOptions()) != nil)
    uptime.advance(by: .seconds(1))
    #expect(try await cache.key("key-1", CallOptions()) == nil)
  }

  @Test("an asker that runs out of its own time does not silence the next")
  func ownDeadline() async throws {
    let (uptime, fetches) = (uptime, fetches)
    let key = try Signer(1).verificationKey()
    let cache = SigningKeyCache(logger: silent, uptime: { uptime.now }) { _ in
      if fetches.next() == 1 { throw RPCError(.deadlineExceeded, "over") }
      return [key]
    }
    await #expect(throws: RPCError.self) {
      try await cache.key("key-1", CallOptions(timeout: .milliseconds(1)))
    }
    #expect(try await cache.key("key-1", CallOptions()) != nil)
  }

  @Test("the keys cross the wire whole", arguments: [nil, start])
  func wire(expiresAt: Instant?) throws {
    let key = try Signer(1).verificationKey(expiresAt: expiresAt)
    let read = try VerificationKey(key.message)
    #expect(read.id == key.id)
    #expect(read.publicKey == key.publicKey)
    #expect(read.expiresAt == expiresAt)
    #expect(throws: CryptographyError.self) {
      try VerificationKey(SigningKey(keyID: "a", publicKey: [1]))
    }
  }
}
