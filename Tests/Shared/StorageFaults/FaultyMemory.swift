internal import CFaultyDisk
internal import SQLCore

/// One allocation of SQLite's that fails.
///
/// Unchecked, because the C side counts atomically.
package final class FaultyMemory: @unchecked Sendable {
  private let memory: OpaquePointer

  /// - Parameter number: of the allocation, counted from 1 over the threads that take part.
  package init(failing number: Int32) throws {
    guard let memory = faulty_memory_new(number) else { throw SQLError(.outOfMemory, "no memory") }
    self.memory = memory
  }

  /// Whether it has failed.
  package var hasFailed: Bool { faulty_memory_has_failed(memory) != 0 }

  /// The calling thread's allocations count from now on.
  package func use() { faulty_memory_use(memory) }

  /// The calling thread's allocations do not count any more.
  package static func useNone() { faulty_memory_use(nil) }
}
