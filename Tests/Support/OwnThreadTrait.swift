internal import Dispatch
package import Testing

/// Runs each test on threads of its own: for tests that wait in blocking calls.
///
/// On the pool they would stop everybody else, and two of them on two cores each other: what a
/// server's handler needs to answer the one may wait for the thread that the other blocks.
package struct OwnThreadTrait: SuiteTrait, TestTrait, TestScoping {
  package var isRecursive: Bool { true }

  package func provideScope(
    for test: Test, testCase: Test.Case?,
    performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(OwnThread()) { try await function() }
  }
}

extension Trait where Self == OwnThreadTrait {
  /// Each test on threads of its own, which it may block.
  package static var onOwnThread: Self { OwnThreadTrait() }
}

/// A queue, to which the system gives threads whatever the pool's width is. It is concurrent: child
/// tasks of a test run on it too, beside what the test waits for.
private final class OwnThread: TaskExecutor {
  private let queue = DispatchQueue(label: "test", attributes: .concurrent)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
