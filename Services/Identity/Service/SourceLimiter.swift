internal import IdentityDomain
internal import SharedDomain
internal import Synchronization

/// Limits the failed sign-ins of a source, whatever logins it tries (ID-8).
///
/// In memory: a restart forgets, and every process counts for itself. What has to last is counted
/// for each login in the database.
final class SourceLimiter: Sendable {
  /// Failures that a source may make at once.
  static let burst: Int64 = 30
  /// In that time one failure is forgiven.
  static let refill = Duration.seconds(10)
  /// Sources that are remembered; beyond it the longest silent ones are forgotten.
  static let maximumSources = 10_000

  /// A source's failures as a moment: the later it lies ahead, the more failures (the generic cell
  /// rate algorithm).
  private let paidUntil = Mutex<[String: Instant]>([:])

  init() {}

  /// Throws while the source made too many failures; nil is nobody's source and is let through.
  func check(_ source: String?, at now: Instant) throws(IdentityError) {
    guard let source, let paid = paidUntil.withLock({ $0[source] }) else { return }
    let allowed = now.advanced(by: Self.refill * Int(Self.burst - 1))
    guard paid > allowed else { return }
    throw .tooManySignIns(retryAfter: paid.since(allowed))
  }

  /// How many sources are remembered.
  var count: Int { paidUntil.withLock { $0.count } }

  /// Counts a failure.
  func failed(_ source: String?, at now: Instant) {
    guard let source else { return }
    paidUntil.withLock { sources in
      sources[source] = max(sources[source] ?? now, now).advanced(by: Self.refill)
      guard sources.count > Self.maximumSources else { return }
      sources = sources.filter { now < $0.value }
      while sources.count > Self.maximumSources,
        let least = sources.min(by: { $0.value < $1.value })
      {
        sources[least.key] = nil
      }
    }
  }
}

/// Limits how many passwords of one login are being checked at once, so that guesses which come
/// together cannot outrun the count of failures.
final class ConcurrentSignInLimiter: Sendable {
  /// Checks of one login at once.
  static let maximum = 16

  private let running = Mutex<[[UInt8]: Int]>([:])

  init() {}

  /// Runs the check, or throws where too many are running.
  func run<Result>(
    _ loginKey: [UInt8], _ body: () async throws -> Result
  ) async throws -> Result {
    let isAdmitted = running.withLock { running in
      let count = running[loginKey] ?? 0
      guard count < Self.maximum else { return false }
      running[loginKey] = count + 1
      return true
    }
    guard isAdmitted else { throw IdentityError.tooManySignIns(retryAfter: .seconds(1)) }
    defer {
      running.withLock { running in
        let count = running[loginKey] ?? 1
        running[loginKey] = count > 1 ? count - 1 : nil
      }
    }
    return try await body()
  }
}
