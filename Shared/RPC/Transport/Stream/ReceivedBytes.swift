internal import Compression
internal import RPCCore

/// Received bytes of a stream, and the messages cut out of them on demand (gRPC over HTTP/2,
/// "Length-Prefixed-Message").
///
/// Bytes stay as they came until the reader wants a message, so that many tiny messages cost no
/// more memory than the window. The length is checked at the prefix, before a message is collected.
struct ReceivedBytes {
  private var waiting: [UInt8] = []
  private var start = 0
  private var prefix: UInt64 = 0
  private var prefixCount = 0
  /// The message that is being collected.
  private var body: [UInt8] = []
  private let limit: Int
  /// True once the message whose prefix is here may be collected.
  private var mayCollect = false
  /// True while a message whose prefix is here may not be collected.
  private(set) var isHeldBack = false
  /// The encoding of messages whose flag says so.
  var encoding: MessageEncoding?
  private var isMessageCompressed = false

  /// - Parameter limit: bytes of the longest message accepted.
  init(limit: Int) { self.limit = limit }

  /// Bytes that nobody has asked for yet.
  var waitingBytes: Int { waiting.count - start }
  /// Bytes in memory.
  var heldBytes: Int { waitingBytes + body.count }
  /// True when the bytes taken so far end with a message's end.
  var isBetweenMessages: Bool { prefixCount == 0 }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    if start == waiting.count {
      waiting.removeAll(keepingCapacity: waiting.capacity <= 64 * 1024)
      start = 0
    } else if start > 64 * 1024, start > waiting.count / 2 {
      waiting.removeFirst(start)
      start = 0
    }
    unsafe waiting.append(contentsOf: bytes)
  }

  mutating func removeAll() {
    waiting = []
    start = 0
    body = []
  }

  /// Collects the next message as far as it is there; nil while it is not complete.
  ///
  /// - Parameter admits: asked with a message's size before it is collected, until it says yes.
  mutating func takeMessage(
    _ admits: (Int) -> Bool = { _ in true }
  ) throws(RPCError) -> RawMessage? {
    while prefixCount < MessageBuffer.prefixSize {
      guard start < waiting.count else { return nil }
      prefix = prefix << 8 | UInt64(waiting[start])
      start += 1
      prefixCount += 1
      if prefixCount == MessageBuffer.prefixSize { try checkPrefix() }
    }
    let size = Int(prefix & 0xFFFF_FFFF)
    if !mayCollect {
      mayCollect = admits(size)
      isHeldBack = !mayCollect
      guard mayCollect else { return nil }
    }
    let count = min(size - body.count, waitingBytes)
    if count > 0 {
      body.append(contentsOf: waiting[start..<(start + count)])
      start += count
    }
    guard body.count == size else { return nil }
    let message = body
    body = []
    prefix = 0
    prefixCount = 0
    mayCollect = false
    guard isMessageCompressed, let encoding else { return RawMessage(message) }
    do {
      return RawMessage(
        unsafe try message.withUnsafeBytes { unsafe try encoding.message($0, limit: limit) },
        isCompressed: true)
    } catch let error as RPCError {
      throw error
    } catch {
      throw RPCError(.internalError, "a message does not decompress")
    }
  }

  private mutating func checkPrefix() throws(RPCError) {
    isMessageCompressed = try isCompressed(prefix >> 32, encoding)
    let size = Int(prefix & 0xFFFF_FFFF)
    guard size <= limit else {
      throw RPCError(
        .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        "a message of \(size) bytes is beyond the limit of \(limit) bytes")
    }
  }
}
