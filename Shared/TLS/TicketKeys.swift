internal import Glibc
internal import Synchronization

/// The keys that session tickets are encrypted with (RFC 5077, 4). Each makes tickets for one period
/// and reads them for another, so that a stolen key opens two periods at most.
final class TicketKeys: Sendable {
  /// One key of AES-256-CBC and HMAC-SHA256, with the name by which tickets ask for it.
  struct Key: Sendable, Hashable {
    static let nameBytes = 16
    static let secretBytes = 32

    let name: [UInt8]
    let cipherKey: [UInt8]
    let macKey: [UInt8]

    /// A key of fresh randomness.
    init() throws(TLSError) {
      name = try OpenSSL.random(Self.nameBytes)
      cipherKey = try OpenSSL.random(Self.secretBytes)
      macKey = try OpenSSL.random(Self.secretBytes)
    }
  }

  private struct State {
    var current: Key
    var previous: Key?
    /// When the current key's period began.
    var since: UInt64
  }

  private let periodNanoseconds: UInt64
  private let now: @Sendable () -> UInt64
  private let state: Mutex<State>

  /// - Parameters:
  ///   - periodSeconds: how long one key makes tickets.
  ///   - now: monotonic time in nanoseconds.
  init(periodSeconds: Int, now: @escaping @Sendable () -> UInt64) throws(TLSError) {
    periodNanoseconds = UInt64(clamping: periodSeconds) &* 1_000_000_000
    self.now = now
    state = Mutex(State(current: try Key(), since: now()))
  }

  /// The key for new tickets.
  func current() throws(TLSError) -> Key {
    try rotate()
    return state.withLock { $0.current }
  }

  /// The key of a ticket, and whether the ticket should be renewed; nil for one that nobody knows
  /// any more.
  func find(_ name: UnsafeBufferPointer<UInt8>) -> (key: Key, isCurrent: Bool)? {
    guard (try? rotate()) != nil else { return nil }
    return state.withLock { state in
      if unsafe name.elementsEqual(state.current.name) { return (state.current, true) }
      if let previous = state.previous, unsafe name.elementsEqual(previous.name) {
        return (previous, false)
      }
      return nil
    }
  }

  /// Moves on to the period of now.
  private func rotate() throws(TLSError) {
    let now = now()
    let periods = state.withLock { state in
      now > state.since ? (now - state.since) / periodNanoseconds : 0
    }
    guard periods > 0 else { return }
    let fresh = try Key()
    state.withLock { state in
      // Another thread may have been faster.
      guard now > state.since, now - state.since >= periodNanoseconds else { return }
      state.previous = periods == 1 ? state.current : nil
      state.current = fresh
      state.since += periods * periodNanoseconds
    }
  }

  /// CLOCK_MONOTONIC in nanoseconds.
  static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000
      &+ UInt64(truncatingIfNeeded: time.tv_nsec)
  }
}
