private import Glibc
internal import SharedDomain
internal import Threads

/// Puts each mail into a folder, as a file `<id>.eml` that a mail program opens: for development
/// machines and tests. The names sort by time; a mail that is delivered again replaces itself.
package final class FolderMailTransport: MailTransport {
  private let folder: String
  private let queue: BoundedQueue<@Sendable () -> Void>

  /// Makes the folder (mode 0700) where it is missing.
  ///
  /// Blocks for that; called at the start of a program. Throws `MailError` with one clear line when
  /// the folder cannot be used.
  package init(folder: String) throws {
    guard !folder.isEmpty, !folder.utf8.contains(0) else {
      throw MailError(.notSent, "the mail folder's path is empty or holds a NUL")
    }
    if unsafe mkdir(folder, 0o700) != 0 && errno != EEXIST {
      throw Self.failure("the mail folder \(folder) cannot be made")
    }
    guard unsafe access(folder, W_OK | X_OK) == 0 else {
      throw Self.failure("the mail folder \(folder) cannot be written")
    }
    self.folder = folder
    let queue = BoundedQueue<@Sendable () -> Void>(capacity: 1024)
    self.queue = queue
    try DedicatedThread.start(named: "mail") {
      while let work = queue.pop(upTo: 1).first { work() }
    }
  }

  deinit {
    queue.close()
  }

  package func deliver(_ message: MailMessage) async throws {
    let bytes = try message.rendered()
    let folder = folder
    let name = message.id.text
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Void, MailError>, Never>) in
      let outcome = queue.push {
        do throws(MailError) {
          try Self.write(bytes, name, in: folder)
          continuation.resume(returning: .success(()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      if outcome != .accepted {
        continuation.resume(returning: .failure(MailError(.notSent, "too many mails wait")))
      }
    }
    try result.get()
  }

  /// Writes under another name first, so that nobody reads half a mail.
  private static func write(
    _ bytes: [UInt8], _ name: String, in folder: String
  ) throws(MailError) {
    let path = "\(folder)/\(name).eml"
    let temporary = "\(folder)/.\(name).new"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("the mail \(name) cannot be written") }
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { bytes in
        unsafe Glibc.write(
          descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let error = failure("the mail \(name) cannot be written")
        close(descriptor)
        unsafe unlink(temporary)
        throw error
      }
      written += count
    }
    let isDurable = fsync(descriptor) == 0
    let isClosed = close(descriptor) == 0
    guard isDurable, isClosed, unsafe rename(temporary, path) == 0 else {
      let error = failure("the mail \(name) cannot be written")
      unsafe unlink(temporary)
      throw error
    }
  }

  private static func failure(_ message: String) -> MailError {
    let number = errno
    return MailError(.notSent, "\(message): \(unsafe String(cString: strerror(number)))")
  }
}
