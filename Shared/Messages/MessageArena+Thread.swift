internal import Glibc

extension MessageArena {
  /// The arena of the thread that asks, for a message read or written without a suspension in
  /// between. Made on first use, gone with the thread.
  ///
  /// An arena for each message would cost a small one twice what it costs itself.
  static var ofThread: MessageArena {
    guard let key else { return MessageArena(firstChunkBytes: 4096) }
    if let pointer = unsafe pthread_getspecific(key) {
      return unsafe Unmanaged<MessageArena>.fromOpaque(pointer).takeUnretainedValue()
    }
    let arena = MessageArena(firstChunkBytes: 4096)
    let retained = unsafe Unmanaged.passRetained(arena)
    if unsafe pthread_setspecific(key, retained.toOpaque()) != 0 { unsafe retained.release() }
    return arena
  }

  /// Where each thread keeps its arena; nil when the process has no key left.
  private static let key: pthread_key_t? = {
    var key = pthread_key_t()
    let made = unsafe pthread_key_create(&key) { pointer in
      guard let pointer = unsafe pointer else { return }
      unsafe Unmanaged<MessageArena>.fromOpaque(pointer).release()
    }
    return made == 0 ? key : nil
  }()
}
