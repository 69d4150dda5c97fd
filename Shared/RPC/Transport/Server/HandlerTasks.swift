internal import NIOCore

/// The tasks that run the handlers of unary calls on one event loop.
///
/// A new task for every call would cost more than the call's messages. A task here takes one waiting
/// call after the other and sleeps when there is none: as long as no handler suspends, one task
/// serves a whole turn. A handler that suspends keeps its task, and the next one takes over.
///
/// Confined to its event loop.
final class HandlerTasks {
  /// Sleeping tasks that are kept.
  private static let retainedTasks = 256

  private unowned let loop: LoopContext
  private var waiting: ContiguousArray<ServerCall> = []
  /// The position of the next call in `waiting`.
  private var next = 0
  private var sleeping: ContiguousArray<Sleeper> = []

  /// A task that waits for calls.
  @safe private final class Sleeper {
    var task: Task<Void, Never>?
    var continuation: UnsafeContinuation<Void, Never>?
  }

  init(loop: LoopContext) { self.loop = loop }

  /// Has a handler run in this turn.
  func add(_ call: ServerCall) { waiting.append(call) }

  /// Lets one task go for the calls that wait; false when none does. It runs when the executor is
  /// drained.
  func wakeOne() -> Bool {
    guard next < waiting.count else { return false }
    if let sleeper = sleeping.popLast() {
      let continuation = unsafe sleeper.continuation
      unsafe sleeper.continuation = nil
      unsafe continuation?.resume()
      return true
    }
    let confined = LoopConfined(value: (self, Sleeper()))
    confined.value.1.task = Task(executorPreference: loop.executor) {
      let (tasks, sleeper) = confined.value
      await tasks.serve(sleeper)
    }
    return true
  }

  private func serve(_ sleeper: Sleeper) async {
    // A cancelled handler takes its task with it.
    while !Task.isCancelled {
      if let call = takeCall() {
        call.task = sleeper.task
        await call.connection.run(call)
        call.task = nil
      } else {
        guard sleeping.count < Self.retainedTasks else { break }
        unsafe await withUnsafeContinuation { continuation in
          unsafe sleeper.continuation = continuation
          sleeping.append(sleeper)
        }
      }
    }
    // Holds itself through the closure that set it.
    sleeper.task = nil
  }

  private func takeCall() -> ServerCall? {
    guard next < waiting.count else { return nil }
    let call = waiting[next]
    next += 1
    if next == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      next = 0
    }
    return call
  }
}
