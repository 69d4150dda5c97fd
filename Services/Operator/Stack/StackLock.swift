internal import Glibc

/// Held by the `kontor up` that runs a folder's stack, for as long as it lives.
final class StackLock {
  private let descriptor: Int32

  /// Takes the lock and writes the own process id into its file.
  ///
  /// - Throws: ``OperatorError`` where another `kontor up` holds it.
  init(_ folder: StackFolder) throws(OperatorError) {
    let descriptor = open(folder.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw OperatorError("\(folder.lock) cannot be opened: \(PrivateFile.reason())")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw StackLock.heldError(folder, by: StackLock.holder(folder))
    }
    self.descriptor = descriptor
    let text = Array("\(getpid())\n".utf8)
    ftruncate(descriptor, 0)
    _ = write(descriptor, text, text.count)
  }

  /// What a second `kontor up` on a folder is told.
  static func heldError(_ folder: StackFolder, by holder: Int32?) -> OperatorError {
    let process = holder.map { " (process \($0))" } ?? ""
    return OperatorError(
      "a stack already runs in \(folder.path)\(process); stop it with kontor down, or choose "
        + "another folder with --data")
  }

  deinit { close(descriptor) }

  /// The process that holds the folder's lock; nil when none does.
  static func holder(_ folder: StackFolder) -> Int32? {
    let descriptor = open(folder.lock, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { return nil }
    let text = PrivateFile.read(folder.lock) ?? ""
    return Int32(text.prefix { $0.isNumber })
  }
}
