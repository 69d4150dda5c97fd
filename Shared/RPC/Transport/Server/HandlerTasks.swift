internal import NIOCore

/// The tasks that run the handlers of unary calls on one event loop.
///
/// A new task for every call would cost more than the call's messages. A task here takes one waiting
/// call after the other and sleeps when there is none: as long as no handler suspends, one task
/// serves a whole turn. A handler that suspends keeps its task, and the next one takes over.
///
/// Confined to its event loop.
final class HandlerTasks {
  /// Sleeping tasks that are kept: as many as calls may well wait for one thing at a time.
  private static let retainedTasks = 1024

  /// A task, and what it waits for calls by.
  @safe final class Worker {
    fileprivate var task: Task<Void, Never>?
    fileprivate var continuation: UnsafeContinuation<Void, Never>?
    fileprivate private(set) var isCancelled = false

    /// Cancels the handler that the task runs; the task ends with it.
    func cancel() {
      isCancelled = true
      task?.cancel()
    }
  }

  /// In the order of their arrival.
  private var waiting: ContiguousArray<ServerCall> = []
  /// Those to run next, the first one last.
  private var next: ContiguousArray<ServerCall> = []
  private var sleeping: ContiguousArray<Worker> = []

  /// Has a handler run in this turn.
  func add(_ call: ServerCall) { waiting.append(call) }

  /// Lets one task go for the calls that wait; false when none does. It runs when the executor is
  /// drained.
  func wakeOne(on executor: LoopExecutor) -> Bool {
    guard !waiting.isEmpty || !next.isEmpty else { return false }
    if let worker = sleeping.popLast() {
      let continuation = unsafe worker.continuation
      unsafe worker.continuation = nil
      unsafe continuation?.resume()
      return true
    }
    let confined = LoopConfined(value: (self, Worker()))
    confined.value.1.task = Task(executorPreference: executor) {
      let (tasks, worker) = confined.value
      await tasks.serve(worker)
    }
    return true
  }

  private func serve(_ worker: Worker) async {
    while !worker.isCancelled {
      if let call = takeCall() {
        unsafe call.worker = worker
        await call.connection?.run(call)
      } else {
        guard sleeping.count < Self.retainedTasks else { break }
        unsafe await withUnsafeContinuation { continuation in
          unsafe worker.continuation = continuation
          sleeping.append(worker)
        }
      }
    }
    // Holds itself through the closure that set it.
    worker.task = nil
  }

  private func takeCall() -> ServerCall? {
    if next.isEmpty {
      swap(&next, &waiting)
      next.reverse()
    }
    return next.popLast()
  }
}
