internal import NIOCore
internal import RPCCore

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

  /// A task, what it waits for calls by, and what it lends to the handlers' code.
  @safe final class Worker: UnaryCalls {
    private let tasks: HandlerTasks
    fileprivate var task: Task<Void, Never>?
    fileprivate var continuation: UnsafeContinuation<Void, Never>?
    fileprivate private(set) var isCancelled = false
    /// The method whose calls it takes. Not counted: the call that waits or runs keeps its server.
    fileprivate var entry: Unmanaged<MethodEntry>?
    /// The call whose handler runs.
    private var call: ServerCall?

    fileprivate init(_ tasks: HandlerTasks) { self.tasks = tasks }

    /// Cancels the handler that the task runs; the task ends with it.
    func cancel() {
      isCancelled = true
      task?.cancel()
    }

    func next() -> UnaryInvocation? {
      while !isCancelled, let call = unsafe tasks.waiting.take(of: entry) {
        guard call.state == .running else {
          call.connection?.handlerNotRun(call)
          continue
        }
        unsafe call.worker = self
        let invocation = call.invocation
        self.call = call
        return invocation
      }
      return nil
    }

    func succeed() {
      guard let call = call.take() else { return }
      let connection = call.connection
      connection?.handlerReturned(call, nil)
    }

    func fail(_ error: any Error) {
      guard let call = call.take() else { return }
      call.connection?.handlerFailed(call, error)
    }
  }

  private var waiting = CallQueue()
  private var sleeping: ContiguousArray<Worker> = []

  /// Has a handler run in this turn.
  func add(_ call: ServerCall) { waiting.append(call) }

  /// Lets one task go for the calls that wait; false when none does. It runs when the executor is
  /// drained.
  func wakeOne(on executor: LoopExecutor) -> Bool {
    guard !waiting.isEmpty else { return false }
    if let worker = sleeping.popLast() {
      let continuation = unsafe worker.continuation
      unsafe worker.continuation = nil
      unsafe continuation?.resume()
      return true
    }
    let confined = LoopConfined(value: (self, Worker(self)))
    confined.value.1.task = Task(executorPreference: executor) {
      let (tasks, worker) = confined.value
      await tasks.serve(worker)
    }
    return true
  }

  /// Has the tasks that sleep end when the executor is drained: what they hold does not outlive a
  /// loop that nobody uses any more.
  func endSleeping() {
    let workers = sleeping
    sleeping = []
    for worker in workers {
      worker.cancel()
      let continuation = unsafe worker.continuation
      unsafe worker.continuation = nil
      unsafe continuation?.resume()
    }
  }

  /// Concurrent by name only, as the task runs on the loop: a function that takes its caller's
  /// isolation over would switch to it once more before each sleep.
  @concurrent private func serve(_ worker: Worker) async {
    while !worker.isCancelled {
      if let entry = unsafe waiting.nextMethod {
        unsafe worker.entry = unsafe entry
        await unsafe entry.takeUnretainedValue().unary(worker)
      } else if let call = unsafe waiting.take(of: nil) {
        unsafe call.worker = worker
        await call.connection?.runFallback(call)
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
}
