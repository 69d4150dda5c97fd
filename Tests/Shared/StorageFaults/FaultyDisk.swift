internal import CFaultyDisk
package import SQLCore
internal import Synchronization

/// A disk that fails when a test says so.
///
/// Unchecked, because the C side takes a lock of its own.
package final class FaultyDisk: @unchecked Sendable {
  private let disk: OpaquePointer
  private let noted = Mutex<[SQLError]>([])

  /// A disk that works.
  package init() throws {
    guard let disk = faulty_disk_new() else { throw SQLError(.outOfMemory, "no disk") }
    self.disk = disk
  }

  /// The name to open databases with.
  package var name: String { String(cString: faulty_disk_name(disk)) }

  /// Lets all writes fail for want of space, or none.
  package func setFull(_ isFull: Bool) { faulty_disk_set_full(disk, isFull ? 1 : 0) }

  /// Lets so many fsyncs succeed and all later ones fail; all succeed when negative.
  package func failSyncs(after count: Int32) { faulty_disk_fail_syncs_after(disk, count) }

  /// The kinds of operations that can be made to fail, once each.
  package enum Operation: CaseIterable, Sendable {
    case write, space, sync, truncate, read, open

    fileprivate var code: faulty_operation {
      switch self {
      case .write: FAULTY_WRITE
      case .space: FAULTY_SPACE
      case .sync: FAULTY_SYNC
      case .truncate: FAULTY_TRUNCATE
      case .read: FAULTY_READ
      case .open: FAULTY_OPEN
      }
    }
  }

  /// Lets an operation fail once: the one with this number from now on, counted from 1.
  package func fail(_ operation: Operation, number: Int32) {
    faulty_disk_fail_nth(disk, operation.code, number)
  }

  /// Whether the operation that was to fail has failed.
  package var hasFailed: Bool { faulty_disk_until_failure(disk) == 0 }

  /// Lets files be opened for reading only.
  package func setReadOnly(_ isReadOnly: Bool) {
    faulty_disk_set_read_only(disk, isReadOnly ? 1 : 0)
  }

  /// Writes the files as a power cut at this moment would leave them.
  package func cutPower(into folder: String, seed: UInt32) -> Bool {
    faulty_disk_cut_power(disk, folder, seed) == 0
  }

  /// What a database's `onFailure` was told.
  package var failures: [SQLError] { noted.withLock { $0 } }
  /// To be a database's `onFailure`.
  package func note(_ error: SQLError) { noted.withLock { $0.append(error) } }
}
