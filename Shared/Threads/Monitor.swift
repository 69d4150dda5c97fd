private import Glibc

/// A value that tasks and dedicated threads share, with a condition that threads wait for.
///
/// Unchecked, because the compiler cannot see that the value is only touched under the mutex.
@safe
package final class Monitor<Value: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var value: Value

  package init(_ value: Value) {
    self.value = value
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
    unsafe changed = .allocate(capacity: 1)
    unsafe changed.initialize(to: pthread_cond_t())
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe changed.deallocate()
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Changes the value; callable from anywhere. Threads that may go on are woken afterwards.
  package func change<Result>(_ body: (inout Value) -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body(&value)
  }

  /// Has one waiting thread look again, if there is one.
  package func wakeOne() {
    unsafe pthread_cond_signal(changed)
  }

  /// Has all waiting threads look again.
  package func wakeAll() {
    unsafe pthread_cond_broadcast(changed)
  }

  /// Blocks the thread until the body, which may change the value, has a result; it is asked again
  /// whenever the thread is woken. Never called on the cooperative pool.
  package func wait<Result>(until body: (inout Value) -> Result?) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&value) { return result }
      unsafe pthread_cond_wait(changed, mutex)
    }
  }
}
