import SharedDomain
import Synchronization

/// A clock that stands still until a test moves it, and sleeps that end only then.
final class ManualTime: WallClock {
  private struct Sleeper {
    let number: Int
    let end: Instant
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var now: Instant
    var numbers = 0
    var sleepers: [Sleeper] = []
    var cancelled: Set<Int> = []
  }

  private let state: Mutex<State>
  private let asleep: AsyncStream<Duration>
  private let fellAsleep: AsyncStream<Duration>.Continuation

  init(_ microseconds: Int64 = 1_800_000_000_000_000) {
    state = Mutex(State(now: Instant(microseconds: microseconds)))
    (asleep, fellAsleep) = AsyncStream.makeStream()
  }

  func now() -> Instant { state.withLock { $0.now } }

  func localDate(_ instant: Instant) -> CalendarDate {
    CalendarDate(daysSinceEpoch: Int(instant.microseconds / 86_400_000_000))
  }

  /// Sets the clock, forward or back.
  func set(_ instant: Instant) {
    let woken = state.withLock {
      $0.now = instant
      let woken = $0.sleepers.filter { $0.end <= instant }
      $0.sleepers.removeAll { $0.end <= instant }
      return woken
    }
    for sleeper in woken { sleeper.continuation.resume(returning: true) }
  }

  func advance(by duration: Duration) {
    set(now().advanced(by: duration))
  }

  /// Sleeps until the clock was moved over the end.
  func sleep(_ duration: Duration) async throws {
    let number = state.withLock {
      $0.numbers += 1
      return $0.numbers
    }
    let isOver = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isCancelled = state.withLock {
          if $0.cancelled.remove(number) != nil { return true }
          $0.sleepers.append(
            Sleeper(
              number: number, end: $0.now.advanced(by: duration), continuation: continuation))
          return false
        }
        if isCancelled { continuation.resume(returning: false) } else { fellAsleep.yield(duration) }
      }
    } onCancel: {
      let sleeper: Sleeper? = state.withLock {
        guard let index = $0.sleepers.firstIndex(where: { $0.number == number }) else {
          $0.cancelled.insert(number)
          return nil
        }
        return $0.sleepers.remove(at: index)
      }
      sleeper?.continuation.resume(returning: false)
    }
    if !isOver { throw CancellationError() }
  }

  /// Returns when somebody sleeps for as long, or falls asleep for as long later.
  func waitForSleep(_ isRight: (Duration) -> Bool) async {
    for await duration in asleep where isRight(duration) { return }
  }
}

/// What happened, in order; a test waits until there is enough of it.
final class Record<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  var elements: [Element] { state.withLock { $0.elements } }

  @discardableResult
  func append(_ element: Element) -> Int {
    let (count, woken) = state.withLock {
      $0.elements.append(element)
      let count = $0.elements.count
      let woken = $0.waiting.filter { $0.count <= count }
      $0.waiting.removeAll { $0.count <= count }
      return (count, woken)
    }
    for entry in woken { entry.continuation.resume() }
    return count
  }

  func wait(for count: Int) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock {
        if $0.elements.count >= count { return true }
        $0.waiting.append((count, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }
}

/// A door that tasks wait at until it is opened.
final class Gate: Sendable {
  private let opened = Record<Void>()

  func open() { opened.append(()) }
  func pass() async { await opened.wait(for: 1) }
}
