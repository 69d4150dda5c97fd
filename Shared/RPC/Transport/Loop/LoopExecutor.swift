internal import NIOCore
internal import Synchronization

/// Runs tasks on one event loop.
///
/// Jobs made on the loop wait in an array until the end of the current turn; jobs from other
/// threads wait behind a lock and wake the loop once per batch.
///
/// `@unchecked Sendable`: `ready`, `running` and `turn` are touched on the event loop only; the
/// rest is constant or locked.
final class LoopExecutor: TaskExecutor, @unchecked Sendable {
  private let eventLoop: any EventLoop
  private var ready: ContiguousArray<UnownedJob> = []
  private var running: ContiguousArray<UnownedJob> = []
  private let remote = Mutex<ContiguousArray<UnownedJob>>([])
  /// Schedules a turn of the loop's context; called on the loop.
  private let scheduleTurn: @Sendable () -> Void

  init(eventLoop: any EventLoop, scheduleTurn: @escaping @Sendable () -> Void) {
    self.eventLoop = eventLoop
    self.scheduleTurn = scheduleTurn
  }

  /// True when jobs wait for the end of the turn.
  var hasReadyJobs: Bool { !ready.isEmpty }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if eventLoop.inEventLoop {
      ready.append(job)
      // Behind others it is in their turn.
      if ready.count == 1 { scheduleTurn() }
      return
    }
    let isFirst = remote.withLock { jobs in
      jobs.append(job)
      return jobs.count == 1
    }
    if isFirst { eventLoop.execute { self.takeRemote() } }
  }

  private func takeRemote() {
    let jobs = remote.withLock { jobs in
      let taken = jobs
      jobs.removeAll(keepingCapacity: true)
      return taken
    }
    ready.append(contentsOf: jobs)
    scheduleTurn()
  }

  /// Runs what is ready, on the loop; what that makes ready runs too.
  func drain() {
    eventLoop.assertInEventLoop()
    guard !ready.isEmpty else { return }
    let executor = unsafe asUnownedTaskExecutor()
    while !ready.isEmpty {
      swap(&ready, &running)
      for job in running { unsafe job.runSynchronously(on: executor) }
      running.removeAll(keepingCapacity: true)
    }
  }
}
