internal import HTTP2
internal import Messages
internal import RPCCore

/// Where the messages of a server's stream are encoded to, as long as it is attached: straight into
/// the stream's queue.
///
/// All that a message needs is constant here, so that sending one counts no references. Confined to
/// the event loop of its connection, which it keeps: the message stream lets go of it no later than
/// the HTTP/2 stream ends.
final class MessageOutlet {
  private let connection: Connection
  private let session: HTTP2Session
  private let stream: HTTP2Stream
  private let loop: LoopContext
  /// Bytes in the stream's queue from which on nothing is added.
  private let maximumQueuedBytes: Int

  init(
    _ connection: Connection, _ session: HTTP2Session, _ stream: HTTP2Stream,
    maximumQueuedBytes: Int
  ) {
    self.connection = connection
    self.session = session
    self.stream = stream
    loop = connection.loop
    self.maximumQueuedBytes = maximumQueuedBytes
  }

  /// Queues a plain message with its prefix; false, with nothing done, when it must wait or the
  /// session's queue might not hold it.
  func send(_ message: some Message) throws(MessageError) -> Bool {
    guard stream.queuedBytes < maximumQueuedBytes else { return false }
    var room: UnsafeMutableRawPointer?
    var spare: MessageBuffer?
    let size = unsafe try message.pack(arena: loop.arena) { size in
      if let start = unsafe session.reserveData(stream, MessageBuffer.prefixSize + size) {
        unsafe room = unsafe start
        return unsafe start + MessageBuffer.prefixSize
      }
      // An upper bound does not fit; what the message takes, `MessageStream.send` finds out.
      let buffer = loop.takeBuffer()
      spare = buffer
      return unsafe buffer.reserve(size)
    }
    if let spare { loop.give(spare) }
    guard let start = unsafe room else { return false }
    unsafe MessageBuffer.writePrefix(to: start, size)
    session.commitData(stream, MessageBuffer.prefixSize + size)
    loop.markDirty(connection)
    return true
  }
}
