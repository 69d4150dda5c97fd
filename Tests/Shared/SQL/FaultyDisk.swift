import CFaultyDisk
import SQLCore
import Synchronization
import Testing

/// A disk that fails when a test says so.
///
/// Unchecked, because the C side takes a lock of its own.
final class FaultyDisk: @unchecked Sendable {
  private let disk: OpaquePointer
  private let noted = Mutex<[SQLError]>([])

  init() throws {
    disk = try #require(faulty_disk_new())
  }

  /// The name to open databases with.
  var name: String { String(cString: faulty_disk_name(disk)) }

  func setFull(_ isFull: Bool) { faulty_disk_set_full(disk, isFull ? 1 : 0) }

  /// Lets so many fsyncs succeed and all later ones fail; all succeed when negative.
  func failSyncs(after count: Int32) { faulty_disk_fail_syncs_after(disk, count) }

  /// Writes the files as a power cut at this moment would leave them.
  func cutPower(into folder: String, seed: UInt32) -> Bool {
    faulty_disk_cut_power(disk, folder, seed) == 0
  }

  /// What a database's `onFailure` was told.
  var failures: [SQLError] { noted.withLock { $0 } }
  func note(_ error: SQLError) { noted.withLock { $0.append(error) } }
}
