internal import Cryptography
internal import Synchronization

/// Tokens whose signature was found good, so that it is computed once for each token and process
/// and not for each call. What can change (keys, time, session, rights) is checked at each call.
final class VerifiedTokens: Sendable {
  /// The claims of a token, and the key that its signature was found good with.
  struct Entry: Sendable {
    let claims: AccessClaims
    let publicKey: Ed25519PublicKey
  }

  private struct Generations {
    var recent: [String: Entry] = [:]
    var older: [String: Entry] = [:]
  }

  /// The most tokens of one generation; two are kept.
  private let capacity: Int
  private let generations = Mutex(Generations())

  /// - Parameter capacity: tokens of up to ``AccessToken/maximumBytes``; twice as many are kept.
  init(capacity: Int = 2048) {
    precondition(capacity > 0, "a cache has room")
    self.capacity = capacity
  }

  /// What is known of a token; it counts as used now.
  func entry(of text: String) -> Entry? {
    generations.withLock { generations in
      if let entry = generations.recent[text] { return entry }
      guard let entry = generations.older[text] else { return nil }
      add(entry, of: text, to: &generations)
      return entry
    }
  }

  /// Remembers a token whose signature was verified.
  func add(_ entry: Entry, of text: String) {
    generations.withLock { add(entry, of: text, to: &$0) }
  }

  /// How many are kept, for tests.
  var count: Int { generations.withLock { $0.recent.count + $0.older.count } }

  private func add(_ entry: Entry, of text: String, to generations: inout Generations) {
    if generations.recent.count >= capacity {
      generations.older = generations.recent
      generations.recent = [:]
    }
    generations.recent[text] = entry
  }
}
