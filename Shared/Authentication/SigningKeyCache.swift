package import Logging
package import RPCCore
internal import SharedDomain
internal import Synchronization

/// The issuer's public keys, fetched when they are needed.
///
/// A token by an unknown key makes it ask again, at a limited rate; what it has goes on working
/// while the issuer is down. Keys older than ``Rules/maximumAge`` are asked for anew by the call
/// that finds them so.
package final class SigningKeyCache: Sendable {
  /// How often the issuer is asked.
  package struct Rules: Sendable {
    /// The least time between two questions for unknown keys, once the issuer has answered.
    package var refreshInterval: Duration = .seconds(5)
    /// The least time between two questions while the issuer does not answer.
    package var retryInterval: Duration = .seconds(1)
    /// Keys older than this are asked for anew.
    package var maximumAge: Duration = .minutes(5)
    /// The longest wait for one answer.
    package var timeout: Duration = .seconds(5)
    /// The most keys that are kept, the first of the issuer's list.
    package var maximumKeys = 16

    package init() {}
  }

  private struct State {
    var keys: [String: VerificationKey] = [:]
    /// When the keys were fetched, in nanoseconds of the monotonic clock.
    var fetchedAt: UInt64?
    /// When the issuer was last asked.
    var askedAt: UInt64?
    var lastAnswered = false
  }

  private let rules: Rules
  private let uptime: @Sendable () -> UInt64
  private let logger: Logger
  private let fetch: @Sendable (CallOptions) async throws -> [VerificationKey]
  private let coalescer = RequestCoalescer<Bool, Bool>()
  private let state = Mutex(State())

  /// - Parameters:
  ///   - uptime: the monotonic clock in nanoseconds.
  ///   - fetch: asks the issuer, newest key first: identity's
  ///     `SessionVerificationService.ListSigningKeys`, or, in identity itself, its own table.
  package init(
    rules: Rules = Rules(), logger: Logger, uptime: @escaping @Sendable () -> UInt64 = Deadline.now,
    fetch: @escaping @Sendable (CallOptions) async throws -> [VerificationKey]
  ) {
    self.rules = rules
    self.logger = logger
    self.uptime = uptime
    self.fetch = fetch
  }

  /// The key with an id; nil where the issuer has none.
  ///
  /// - Throws: `RPCError` UNAVAILABLE (reason `SIGNING_KEYS_UNAVAILABLE`) for an unknown key while
  ///   the issuer does not answer; DEADLINE_EXCEEDED and `CancellationError` where the call ended.
  package func key(_ id: String, _ options: CallOptions) async throws -> VerificationKey? {
    let (known, isStale) = state.withLock { ($0.keys[id], isDue(for: id, $0)) }
    if let known {
      // One call asks for newer keys; the others go on with what is there.
      if isStale { _ = try await refresh(for: id, options) }
      return state.withLock { $0.keys[id] } ?? (isStale ? nil : known)
    }
    let answered = try await coalescer.value(for: true) { try await refresh(for: id, options) }
    if let key = state.withLock({ $0.keys[id] }) { return key }
    guard answered else { throw RPCError.signingKeysUnavailable() }
    return nil
  }

  private func isDue(for id: String, _ state: State) -> Bool {
    guard let askedAt = state.askedAt else { return true }
    let now = uptime()
    func isOver(_ duration: Duration, since start: UInt64) -> Bool {
      now >= start && now - start >= duration.saturatedNanoseconds
    }
    guard isOver(state.lastAnswered ? rules.refreshInterval : rules.retryInterval, since: askedAt)
    else { return false }
    guard state.keys[id] != nil, let fetchedAt = state.fetchedAt else { return true }
    return isOver(rules.maximumAge, since: fetchedAt)
  }

  /// Asks the issuer where that is still due.
  ///
  /// - Returns: whether the last question was answered.
  private func refresh(for id: String, _ options: CallOptions) async throws -> Bool {
    let (asks, askedBefore) = state.withLock { state in
      guard isDue(for: id, state) else { return (false, state.askedAt) }
      defer { state.askedAt = uptime() }
      return (true, state.askedAt)
    }
    guard asks else { return state.withLock { $0.lastAnswered } }
    var limited = options
    limited.timeout = min(options.timeout ?? rules.timeout, rules.timeout)
    do {
      let keys = try await fetch(limited).prefix(rules.maximumKeys)
      state.withLock { state in
        state.keys = Dictionary(keys.map { ($0.id, $0) }) { newer, _ in newer }
        state.fetchedAt = uptime()
        state.lastAnswered = true
      }
      return true
    } catch {
      if isOwnEnd(error, options) {
        // The asker went away; that says nothing about the issuer.
        state.withLock { $0.askedAt = askedBefore }
        throw error
      }
      logger.warning("signing keys cannot be fetched", metadata: ["error": "\(error)"])
      state.withLock { $0.lastAnswered = false }
      return false
    }
  }

  /// Whether the call that asked was cancelled or ran out of its own time.
  private func isOwnEnd(_ error: any Error, _ options: CallOptions) -> Bool {
    if error is CancellationError || Task.isCancelled { return true }
    guard let error = error as? RPCError, error.code == .deadlineExceeded,
      let timeout = options.timeout
    else { return false }
    return timeout < rules.timeout
  }
}
