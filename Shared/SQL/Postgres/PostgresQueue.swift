internal import SQLCore
internal import Threads

/// The bodies that wait for a connection. Reads are taken one by one; of writes, all that wait are
/// taken together, and by one thread at a time.
///
/// Writes of one process therefore never collide with each other: one commit serves many, and none
/// runs twice.
final class PostgresQueue: Sendable {
  /// What a thread takes.
  enum Work: Sendable {
    case read(any PostgresJob)
    /// No other writes are given out until `writesEnded` is called.
    case writes([any PostgresJob])

    var jobs: [any PostgresJob] {
      switch self {
      case .read(let job): [job]
      case .writes(let jobs): jobs
      }
    }
  }

  enum Outcome: Sendable, Hashable {
    case accepted
    case full
    case closed
  }

  private struct State: Sendable {
    var reads = Line()
    var writes = Line()
    var isWriting = false
    var isClosed = false
    var pushed = 0
    /// Whether a thread that waits for work would find some.
    var hasWork: Bool { reads.count > 0 || (!isWriting && writes.count > 0) }

    var count: Int { reads.count + writes.count }

    /// Whatever came first, of what may be taken.
    mutating func take(upTo batch: Int) -> Work? {
      let mayWrite = !isWriting && writes.count > 0
      if mayWrite, writes.oldest < reads.oldest {
        isWriting = true
        return .writes(writes.take(batch))
      }
      return reads.take(1).first.map { .read($0) }
    }
  }

  /// Jobs of one kind in the order of their coming.
  private struct Line: Sendable {
    private var jobs: [(number: Int, job: (any PostgresJob)?)] = []
    private var start = 0

    var count: Int { jobs.count - start }
    var oldest: Int { start < jobs.count ? jobs[start].number : .max }

    mutating func add(_ job: any PostgresJob, _ number: Int) {
      jobs.append((number, job))
    }

    mutating func take(_ most: Int) -> [any PostgresJob] {
      let range = start..<min(start + most, jobs.count)
      let taken = jobs[range].compactMap(\.job)
      for index in range { jobs[index].job = nil }
      start = range.upperBound
      // The rest moves up seldom enough to cost little.
      if start == jobs.count || start > 1024 {
        jobs.removeFirst(start)
        start = 0
      }
      return taken
    }
  }

  private let capacity: Int
  private let batchSize: Int
  private let state = Monitor(State())

  /// - Parameters:
  ///   - capacity: how many jobs wait at most.
  ///   - batchSize: how many writes are taken together at most.
  init(capacity: Int, batchSize: Int) {
    self.capacity = capacity
    self.batchSize = batchSize
  }

  /// Adds a job at the end; callable from anywhere.
  func push(_ job: any PostgresJob) -> Outcome {
    let (outcome, hasWork) = state.change { state -> (Outcome, Bool) in
      if state.isClosed { return (.closed, false) }
      if state.count >= capacity { return (.full, false) }
      state.pushed += 1
      if job.isReadOnly {
        state.reads.add(job, state.pushed)
      } else {
        state.writes.add(job, state.pushed)
      }
      return (.accepted, state.hasWork)
    }
    if hasWork { state.wakeOne() }
    return outcome
  }

  /// How many jobs wait.
  var count: Int { state.change { $0.count } }

  /// Takes what came first. Blocks the thread while there is nothing; nil once the queue is closed and
  /// empty. Never called on the cooperative pool.
  func pop() -> Work? {
    let (work, hasMore) = state.wait { state -> (Work?, Bool)? in
      if let work = state.take(upTo: batchSize) { return (work, state.hasWork) }
      return state.isClosed && state.count == 0 ? (nil, false) : nil
    }
    if hasMore { state.wakeOne() }
    return work
  }

  /// Lets the next writes be taken.
  func writesEnded() {
    let (isClosed, hasWork) = state.change { state in
      state.isWriting = false
      return (state.isClosed, state.hasWork)
    }
    // Threads that have nothing more to wait for end.
    if isClosed { state.wakeAll() } else if hasWork { state.wakeOne() }
  }

  /// Refuses further jobs; what was accepted can still be taken.
  func close() {
    state.change { $0.isClosed = true }
    state.wakeAll()
  }
}
