private import Glibc

/// A queue between tasks and dedicated threads: whoever pushes never waits, who pops blocks its
/// thread until there is something.
///
/// Unchecked, because the compiler cannot see that `elements`, `waiting` and `isClosed` are only
/// touched under the mutex.
@safe
package final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
  /// What became of a pushed element.
  package enum Outcome: Sendable, Hashable {
    case accepted
    /// The queue holds as many elements as it may; the element was not taken.
    case full
    /// The queue was closed; the element was not taken.
    case closed
  }

  private let capacity: Int
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let notEmpty: UnsafeMutablePointer<pthread_cond_t>
  private var elements: [Element] = []
  private var waiting = 0
  private var isClosed = false

  /// - Parameter capacity: how many elements wait at most, at least 1.
  package init(capacity: Int) {
    precondition(capacity > 0, "a queue needs room for an element")
    self.capacity = capacity
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
    unsafe notEmpty = .allocate(capacity: 1)
    unsafe notEmpty.initialize(to: pthread_cond_t())
    unsafe pthread_cond_init(notEmpty, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(notEmpty)
    unsafe notEmpty.deallocate()
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Adds an element at the end; callable from anywhere.
  package func push(_ element: Element) -> Outcome {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    if isClosed { return .closed }
    if elements.count >= capacity { return .full }
    elements.append(element)
    if waiting > 0 { unsafe pthread_cond_signal(notEmpty) }
    return .accepted
  }

  /// Takes up to `count` elements from the front. Blocks the thread while the queue is empty;
  /// returns nothing once it is closed and empty. Never called on the cooperative pool.
  package func pop(upTo count: Int) -> [Element] {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while elements.isEmpty {
      if isClosed { return [] }
      waiting += 1
      unsafe pthread_cond_wait(notEmpty, mutex)
      waiting -= 1
    }
    var taken: [Element] = []
    if elements.count <= count {
      swap(&taken, &elements)
    } else {
      taken = Array(elements.prefix(count))
      elements.removeFirst(count)
    }
    return taken
  }

  /// Refuses further elements; what was accepted can still be popped.
  package func close() {
    unsafe pthread_mutex_lock(mutex)
    isClosed = true
    unsafe pthread_cond_broadcast(notEmpty)
    unsafe pthread_mutex_unlock(mutex)
  }

  /// How many elements wait.
  package var count: Int {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return elements.count
  }
}
