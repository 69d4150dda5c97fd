internal import Dispatch
internal import Glibc
internal import Logging
internal import Synchronization

/// Loads certificates again when their files change, or when SIGHUP asks for it.
///
/// New connections use what was loaded last; live ones go on. Files that cannot be used change
/// nothing: one log line says why, and they are looked at again until they can.
final class CertificateWatch: Sendable {
  /// What tells one content of a file from another without reading it.
  struct FileState: Sendable, Hashable {
    let inode: UInt64
    let bytes: Int64
    let modifiedSeconds: Int64
    let modifiedNanoseconds: Int64
  }

  private struct State {
    /// Of each file; nil for one that is not there.
    var files: [FileState?]
    var reloads: [@Sendable () throws -> Void] = []
    /// Why the last attempt failed; nil after one that did not.
    var failure: String?
  }

  /// How often the files are looked at.
  static let interval = Duration.seconds(10)

  private let files: [String]
  private let logger: Logger
  private let fileState: @Sendable (String) -> FileState?
  private let state: Mutex<State>
  /// Files are read on it, and not on a thread that runs tasks.
  private let queue = DispatchQueue(label: "certificates")

  /// - Parameter fileState: what a path's file is like now.
  init(
    files: [String], logger: Logger,
    fileState: @escaping @Sendable (String) -> FileState? = CertificateWatch.fileState(of:)
  ) {
    self.files = files
    self.logger = logger
    self.fileState = fileState
    state = Mutex(State(files: files.map(fileState)))
  }

  /// Adds something that is made of the files.
  func add(_ reload: @escaping @Sendable () throws -> Void) {
    state.withLock { $0.reloads.append(reload) }
  }

  /// Looks at the files, and loads them when they are others than at the last look, when the last
  /// attempt failed, or when somebody asks.
  func check(isAsked: Bool) {
    let now = files.map(fileState)
    let reloads = state.withLock { state -> [@Sendable () throws -> Void] in
      guard isAsked || now != state.files || state.failure != nil else { return [] }
      state.files = now
      return state.reloads
    }
    guard !reloads.isEmpty else { return }
    do {
      for reload in reloads { try reload() }
      state.withLock { $0.failure = nil }
      logger.info("certificates loaded")
    } catch {
      let failure = "\(error)"
      let isNew = state.withLock { state in
        defer { state.failure = failure }
        return state.failure != failure
      }
      guard isNew || isAsked else { return }
      logger.error("certificates not loaded; the old ones stay", metadata: ["error": "\(failure)"])
    }
  }

  /// Checks at each SIGHUP and every `interval` until the task is cancelled.
  func run(hangUps: AsyncStream<Void>) async {
    await withTaskGroup { group in
      group.addTask {
        for await _ in hangUps { await self.checkOnQueue(isAsked: true) }
      }
      group.addTask {
        while (try? await Task.sleep(for: Self.interval)) != nil {
          await self.checkOnQueue(isAsked: false)
        }
      }
    }
  }

  private func checkOnQueue(isAsked: Bool) async {
    await withCheckedContinuation { continuation in
      queue.async {
        self.check(isAsked: isAsked)
        continuation.resume()
      }
    }
  }

  /// The state of a file now; nil when it is not there.
  static func fileState(of path: String) -> FileState? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return FileState(
      inode: UInt64(status.st_ino), bytes: Int64(status.st_size),
      modifiedSeconds: Int64(status.st_mtim.tv_sec),
      modifiedNanoseconds: Int64(status.st_mtim.tv_nsec))
  }
}
