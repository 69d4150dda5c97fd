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
      let holder = StackLock.holder(folder).map { " (process \($0))" } ?? ""
      throw OperatorError(
        "a stack already runs in \(folder.path)\(holder); stop it with kontor down, or choose "
          + "another folder with --data")
    }
    self.descriptor = descriptor
    let text = Array("\(getpid())\n".utf8)
    ftruncate(descriptor, 0)
    _ = write(descriptor, text, text.count)
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
