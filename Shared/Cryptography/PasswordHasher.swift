internal import Threads

/// Hashes and checks passwords with Argon2id on threads of its own, so that neither an event loop
/// nor the cooperative pool waits the tens of milliseconds that a hash takes.
package final class PasswordHasher: Sendable {
  private let parameters: Argon2Parameters
  private let random: any RandomSource
  private let queue: BoundedQueue<@Sendable () -> Void>
  /// Compared with where there is no account, so that the time is the same.
  private let nobody: PasswordHash

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - parameters: the cost of new hashes; stored ones bring their own.
  ///   - threads: how many hashes are computed at once; each takes the cost's memory.
  ///   - queueCapacity: how many calls wait at most; one more throws `.overloaded`.
  package init(
    parameters: Argon2Parameters = .standard, threads: Int = 2, queueCapacity: Int = 64,
    random: any RandomSource = SecureRandom()
  ) throws {
    precondition(threads > 0, "the password hasher needs a thread")
    self.parameters = parameters
    self.random = random
    queue = BoundedQueue(capacity: queueCapacity)
    nobody = PasswordHash(
      parameters: parameters, salt: random.bytes(Self.saltBytes), tag: random.bytes(Self.tagBytes))
    for _ in 0..<threads {
      try DedicatedThread.start(named: "password") { [queue] in
        while let work = queue.pop(upTo: 1).first { work() }
      }
    }
  }

  deinit {
    queue.close()
  }

  private static let saltBytes = 16
  private static let tagBytes = 32

  /// The hash of a new password, to be stored: a PHC string that holds salt and cost.
  ///
  /// The password's UTF-8 is hashed as it was received, of any length. Throws `.overloaded` when
  /// too many calls wait, which callers answer with RESOURCE_EXHAUSTED.
  package func hash(_ password: String) async throws(CryptographyError) -> String {
    let parameters = parameters
    let salt = random.bytes(Self.saltBytes)
    return try await run { () throws(CryptographyError) in
      let tag = try Argon2id.hash(
        Array(password.utf8), salt: salt, parameters: parameters, byteCount: Self.tagBytes)
      return PasswordHash(parameters: parameters, salt: salt, tag: tag).text
    }
  }

  /// Whether the password is the one that was hashed.
  ///
  /// Throws `.invalidHash` when the stored text is none of `hash`'s, and `.overloaded`.
  package func verify(
    _ password: String, against stored: String
  ) async throws(CryptographyError) -> Bool {
    try await verify(password, PasswordHash(stored))
  }

  /// Takes as long as `verify` does for an account: called where there is none, so that the time
  /// tells nothing (ID-8).
  package func verifyNobody(_ password: String) async throws(CryptographyError) {
    _ = try await verify(password, nobody)
  }

  /// Whether a stored hash has another cost than new ones, or cannot be read: after a successful
  /// sign-in the password is hashed again and stored (ID-7).
  package func needsRehash(_ stored: String) -> Bool {
    guard let hash = try? PasswordHash(stored) else { return true }
    return hash.parameters != parameters || hash.tag.count != Self.tagBytes
      || hash.salt.count < Self.saltBytes
  }

  private func verify(
    _ password: String, _ hash: PasswordHash
  ) async throws(CryptographyError) -> Bool {
    try await run { () throws(CryptographyError) in
      let tag = try Argon2id.hash(
        Array(password.utf8), salt: hash.salt, parameters: hash.parameters,
        byteCount: hash.tag.count)
      return constantTimeEqual(tag, hash.tag)
    }
  }

  private func run<Value: Sendable>(
    _ body: @escaping @Sendable () throws(CryptographyError) -> Value
  ) async throws(CryptographyError) -> Value {
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Value, CryptographyError>, Never>) in
      let outcome = queue.push {
        do throws(CryptographyError) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      switch outcome {
      case .accepted: break
      case .full:
        continuation.resume(
          returning: .failure(CryptographyError(.overloaded, "too many passwords wait")))
      case .closed:
        continuation.resume(
          returning: .failure(CryptographyError(.closed, "the password hasher is closed")))
      }
    }
    return try result.get()
  }
}
