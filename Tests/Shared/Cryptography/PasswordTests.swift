import Testing

@testable import Cryptography

@Suite struct PasswordTests {
  /// Cheap, so that the tests are quick.
  private let cheap = Argon2Parameters(memoryKibibytes: 64, iterations: 1, parallelism: 1)

  @Test func `Argon2id gives the vector of RFC 9106`() throws {
    let tag = try Argon2id.hash(
      [UInt8](repeating: 1, count: 32), salt: [UInt8](repeating: 2, count: 16),
      secret: [UInt8](repeating: 3, count: 8), associatedData: [UInt8](repeating: 4, count: 12),
      parameters: Argon2Parameters(memoryKibibytes: 32, iterations: 3, parallelism: 4),
      byteCount: 32)
    #expect(
      Hex.encode(tag) == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")
  }

  @Test func `a password verifies against its own hash only`() async throws {
    let hasher = try PasswordHasher(parameters: cheap)
    let password = "pässwörd 🐟 " + String(repeating: "x", count: 200)
    let stored = try await hasher.hash(password)
    #expect(stored.hasPrefix("$argon2id$v=19$m=64,t=1,p=1$"))
    #expect(try await hasher.verify(password, against: stored))
    #expect(try await !hasher.verify(String(password.dropLast()), against: stored))
    #expect(try await !hasher.verify("", against: stored))
    #expect(try await hasher.hash(password) != stored)
  }

  @Test func `the rule's cost is 19 MiB, 2 passes, 1 lane`() async throws {
    let hasher = try PasswordHasher()
    let stored = try await hasher.hash("correct horse")
    #expect(stored.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$"))
    #expect(try await hasher.verify("correct horse", against: stored))
  }

  @Test func `a hash with another cost still verifies and asks for a new one`() async throws {
    let old = try await PasswordHasher(parameters: cheap).hash("secret")
    let hasher = try PasswordHasher(
      parameters: Argon2Parameters(memoryKibibytes: 128, iterations: 2, parallelism: 1))
    #expect(try await hasher.verify("secret", against: old))
    #expect(hasher.needsRehash(old))
    #expect(hasher.needsRehash("nonsense"))
    #expect(try await !hasher.needsRehash(hasher.hash("secret")))
  }

  @Test(arguments: [
    "", "secret", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=16$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=19$m=64,t=1,p=1,x=2$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAA$",
    "$argon2id$v=19$m=64,t=99999,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
  ])
  func `text that is no hash of this program is refused`(_ stored: String) async throws {
    let hasher = try PasswordHasher(parameters: cheap)
    await #expect(throws: CryptographyError(.invalidHash, "")) {
      try await hasher.verify("secret", against: stored)
    }
  }

  @Test func `a full queue refuses at once, and the others are answered`() async throws {
    let hasher = try PasswordHasher(
      parameters: Argon2Parameters(memoryKibibytes: 8192, iterations: 2, parallelism: 1),
      threads: 1, queueCapacity: 2)
    let outcomes = await withTaskGroup(of: Result<Void, CryptographyError>.self) { group in
      for _ in 0..<50 {
        group.addTask {
          do throws(CryptographyError) {
            return .success(try await hasher.verifyNobody("x"))
          } catch {
            return .failure(error)
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    var answered = 0
    for outcome in outcomes {
      switch outcome {
      case .success: answered += 1
      case .failure(let error): #expect(error.code == .overloaded)
      }
    }
    #expect(answered >= 2)
    #expect(answered < 50)
  }

  @Test func `codes and tokens have their lengths`() {
    let random = SecureRandom()
    let code = random.digits(8)
    #expect(code.utf8.count == 8)
    #expect(code.utf8.allSatisfy { (0x30...0x39).contains($0) })
    #expect(random.bytes(0) == [])
    #expect(Base64URL.decode(random.token(byteCount: 16))?.count == 16)
    #expect(random.bytes(32) != random.bytes(32))
  }
}
