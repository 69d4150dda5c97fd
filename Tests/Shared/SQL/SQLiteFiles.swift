import Glibc
import SQLCore
import SQLiteDriver
import Synchronization
import Testing

/// A folder of a test's own, removed when the test ends.
final class Folder {
  let path: String

  /// - Parameter isInMemory: where there is such a file system; an fsync costs nothing there.
  init(isInMemory: Bool = false) throws {
    let parent = isInMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/kontor-sql-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    path = try #require(made)
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  var names: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  func status(_ name: String) -> stat {
    var status = stat()
    stat("\(path)/\(name)", &status)
    return status
  }

  /// The first 16 MiB of a file.
  func read(_ name: String) -> [UInt8] {
    let descriptor = open("\(path)/\(name)", O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: 16 << 20) { buffer, count in
      while count < buffer.count {
        let part = Glibc.read(
          descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
        if part <= 0 { break }
        count += part
      }
    }
  }

  func write(_ bytes: [UInt8], _ name: String) {
    let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var written = 0
    while written < bytes.count {
      let part = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if part <= 0 { break }
      written += part
    }
    close(descriptor)
  }
}

/// Holds the writer's thread inside a body until it is opened: what comes meanwhile is one batch.
final class Barrier: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private let reached = Atomic(false)

  init() { sem_init(semaphore, 0, 0) }
  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  /// Whether somebody has come to it.
  var isReached: Bool { reached.load(ordering: .acquiring) }

  func open() { sem_post(semaphore) }
  func pass() {
    reached.store(true, ordering: .releasing)
    sem_wait(semaphore)
  }
}

/// What tasks have noted.
final class Noted<Element: Hashable & Sendable>: Sendable {
  private let elements = Mutex<Set<Element>>([])

  var all: Set<Element> { elements.withLock { $0 } }
  func insert(_ element: Element) { elements.withLock { _ = $0.insert(element) } }
}

extension SQLiteDatabase {
  /// Runs the bodies so that one commit takes them all; their results in order. Where the disk
  /// fails before they are gathered they are committed as they come.
  func together<Value: Sendable>(
    _ bodies: [@Sendable (any Transaction) throws -> Value]
  ) async -> [Result<Value, any Error>] {
    let barrier = Barrier()
    let isRefused = Noted<Bool>()
    return await withTaskGroup(of: (Int, Result<Value, any Error>)?.self) { group in
      group.addTask {
        do {
          try await self.write { _ in barrier.pass() }
        } catch {
          isRefused.insert(true)
        }
        return nil
      }
      while !barrier.isReached && isRefused.all.isEmpty { await Task.yield() }
      for (index, body) in bodies.enumerated() {
        group.addTask {
          do {
            return (index, .success(try await self.write(body)))
          } catch {
            return (index, .failure(error))
          }
        }
      }
      while waitingWrites < bodies.count && isRefused.all.isEmpty { await Task.yield() }
      barrier.open()
      var results: [Int: Result<Value, any Error>] = [:]
      for await case (let index, let result)? in group { results[index] = result }
      return bodies.indices.compactMap { results[$0] }
    }
  }
}
