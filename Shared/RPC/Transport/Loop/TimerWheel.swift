/// What a timer ends.
protocol TimerTarget: AnyObject {
  /// Where the wheel keeps the target; nil while it is in none.
  var timerPosition: TimerPosition? { get set }
  /// The time has come; called on the event loop.
  func timerFired()
}

/// A place in a wheel.
struct TimerPosition: Sendable, Hashable {
  fileprivate var bucket: Int
  fileprivate var index: Int
}

/// Timers of one event loop: setting and cancelling take constant time, firing is at most one
/// tick late. Confined to its loop.
struct TimerWheel {
  /// Length of a tick.
  static let tickNanoseconds: UInt64 = 8_000_000
  private static let bucketCount = 512

  private struct Entry {
    var time: UInt64
    var target: any TimerTarget
  }

  private var buckets = [ContiguousArray<Entry>](repeating: [], count: bucketCount)
  private var lastTick: UInt64
  private(set) var count = 0

  /// - Parameter now: monotonic time in nanoseconds.
  init(now: UInt64) { lastTick = now / Self.tickNanoseconds }

  var isEmpty: Bool { count == 0 }

  /// Sets the timer of a target that has none.
  mutating func set(_ target: any TimerTarget, at time: UInt64, now: UInt64) {
    if isEmpty { lastTick = now / Self.tickNanoseconds }
    // One tick later than the time, so that it has passed when the bucket's turn comes.
    let tick = max(time / Self.tickNanoseconds, lastTick) + 1
    let bucket = Int(tick % UInt64(Self.bucketCount))
    target.timerPosition = TimerPosition(bucket: bucket, index: buckets[bucket].count)
    buckets[bucket].append(Entry(time: time, target: target))
    count += 1
  }

  /// Takes a target's timer out, if it has one.
  mutating func cancel(_ target: any TimerTarget) {
    guard let position = target.timerPosition else { return }
    target.timerPosition = nil
    remove(position)
  }

  private mutating func remove(_ position: TimerPosition) {
    let last = buckets[position.bucket].removeLast()
    if position.index < buckets[position.bucket].count {
      buckets[position.bucket][position.index] = last
      last.target.timerPosition = position
    }
    count -= 1
  }

  /// Takes out the targets whose time has come; the caller fires them.
  mutating func expired(now: UInt64) -> [any TimerTarget] {
    let tick = now / Self.tickNanoseconds
    guard tick > lastTick else { return [] }
    let rounds = min(tick - lastTick, UInt64(Self.bucketCount))
    var fired: [any TimerTarget] = []
    for step in (tick - rounds + 1)...tick {
      let bucket = Int(step % UInt64(Self.bucketCount))
      var index = 0
      while index < buckets[bucket].count {
        let entry = buckets[bucket][index]
        if entry.time <= now {
          entry.target.timerPosition = nil
          remove(TimerPosition(bucket: bucket, index: index))
          fired.append(entry.target)
        } else {
          index += 1
        }
      }
    }
    lastTick = tick
    return fired
  }
}
