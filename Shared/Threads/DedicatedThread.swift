private import Glibc

/// A thread of the operating system for work that blocks, which neither an event loop nor the
/// cooperative pool may do.
package enum DedicatedThread {
  /// Starts a thread that runs the body once and ends. It takes no signals: those are the main
  /// thread's. Throws `ThreadError` when the system gives no thread.
  ///
  /// - Parameter name: what `top -H` and `/proc` show; 1 to 15 bytes.
  package static func start(
    named name: String, _ body: @escaping @Sendable () -> Void
  ) throws {
    precondition((1...15).contains(name.utf8.count), "the system keeps names of up to 15 bytes")
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))

    // A new thread inherits the mask, so the signals are held back around the creation.
    var everything = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&everything)
    unsafe pthread_sigmask(SIG_SETMASK, &everything, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let result = unsafe pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        nameThisThread(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    guard result == 0 else {
      unsafe start.release()
      throw ThreadError(errorNumber: result)
    }
  }

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
}

/// Names the calling thread; glibc's own function for it is not visible to Swift.
private func nameThisThread(_ name: String) {
  let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  let bytes = Array(name.utf8)
  // A thread without a name works as well.
  _ = unsafe write(descriptor, bytes, bytes.count)
  close(descriptor)
}

/// The operating system gave no thread.
package struct ThreadError: Error, Sendable, CustomStringConvertible {
  /// The system's error number, such as EAGAIN.
  package let errorNumber: Int32

  package var description: String { "cannot start a thread (error \(errorNumber))" }
}
