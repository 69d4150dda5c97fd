internal import Compression
internal import Glibc
internal import RPCCore

/// Cuts one length-prefixed message out of DATA, wherever the frames begin (gRPC over HTTP/2,
/// "Length-Prefixed-Message").
///
/// A unary stream carries exactly one message. The length is checked as soon as the prefix is
/// complete, before anything is buffered.
struct MessageDeframer: ~Copyable {
  /// Room made for a message before it is there.
  private static let initialBytes = 64 * 1024

  /// What is there of the prefix, the first byte highest, and how many bytes.
  private var prefix: UInt64 = 0
  private var prefixCount = 0
  /// The message's size, once the prefix is complete, and how much of it is there.
  private var size = 0
  private var received = 0
  private let limit: Int
  /// The encoding of messages whose flag says so.
  var encoding: MessageEncoding?
  /// The message is compressed and `decompress` must be called.
  private(set) var isMessageCompressed = false

  /// - Parameter limit: bytes of the longest message accepted.
  init(limit: Int, encoding: MessageEncoding? = nil) {
    self.limit = limit
    self.encoding = encoding
  }

  /// True when the message is there.
  var isComplete: Bool { prefixCount == MessageBuffer.prefixSize && received == size }

  /// The message's size as its prefix says; 0 before.
  var messageBytes: Int { prefixCount == MessageBuffer.prefixSize ? size : 0 }

  /// True when no byte has come.
  var isEmpty: Bool { prefixCount == 0 }

  /// Takes bytes; the message is in `buffer` once it is complete.
  mutating func append(
    _ bytes: UnsafeRawBufferPointer, into buffer: MessageBuffer
  ) throws(RPCError) {
    let first = min(MessageBuffer.prefixSize - prefixCount, bytes.count)
    if first > 0 {
      for index in 0..<first { prefix = unsafe prefix << 8 | UInt64(bytes[index]) }
      prefixCount += first
      guard prefixCount == MessageBuffer.prefixSize else { return }
      try begin(buffer)
    }
    let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[first...])
    guard part.count <= size - received else {
      throw RPCError(
        .unimplemented, reason: "MESSAGE_NOT_EXPECTED", "more than one message in a unary call")
    }
    buffer.makeRoom(received + part.count, of: size, keeping: received)
    unsafe buffer.write(part, at: received)
    received += part.count
    if received == size { buffer.commit(size) }
  }

  /// Puts the message in the place of a complete compressed one.
  func decompress(in buffer: MessageBuffer) throws(RPCError) {
    guard let encoding else { return }
    buffer.fill(unsafe try encoding.message(buffer.message, limit: limit))
  }

  private mutating func begin(_ buffer: MessageBuffer) throws(RPCError) {
    isMessageCompressed = try isCompressed(prefix >> 32, encoding)
    size = Int(prefix & 0xFFFF_FFFF)
    guard size <= limit else {
      throw RPCError(
        .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        "a message of \(size) bytes is beyond the limit of \(limit) bytes")
    }
    // The rest of a large one when it comes: a prefix is a claim, no memory.
    _ = unsafe buffer.reserve(min(size, Self.initialBytes))
  }
}
