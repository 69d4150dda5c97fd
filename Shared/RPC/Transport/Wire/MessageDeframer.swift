internal import Compression
internal import Glibc
internal import RPCCore

/// Cuts one length-prefixed message out of DATA, wherever the frames begin (gRPC over HTTP/2,
/// "Length-Prefixed-Message").
///
/// A unary stream carries exactly one message. The length is checked as soon as the prefix is
/// complete, before anything is buffered.
struct MessageDeframer: ~Copyable {
  private enum State {
    /// Bytes of the prefix so far, and how many.
    case prefix(UInt64, count: Int)
    /// The message's size and how much of it is there.
    case body(size: Int, received: Int)
    case complete(size: Int)
  }

  private var state = State.prefix(0, count: 0)
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
  var isComplete: Bool {
    if case .complete = state { true } else { false }
  }

  /// True when no byte has come.
  var isEmpty: Bool {
    if case .prefix(_, count: 0) = state { true } else { false }
  }

  /// Takes bytes; the message is in `buffer` once it is complete.
  mutating func append(
    _ bytes: UnsafeRawBufferPointer, into buffer: MessageBuffer
  ) throws(RPCError) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      switch state {
      case .prefix(let value, let count):
        let value = unsafe value << 8 | UInt64(rest[0])
        unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        state = .prefix(value, count: count + 1)
        if count + 1 == MessageBuffer.prefixSize { try begin(value, buffer) }
      case .body(let size, let received):
        let count = min(size - received, rest.count)
        unsafe buffer.write(UnsafeRawBufferPointer(rebasing: rest[..<count]), at: received)
        unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        if received + count == size {
          buffer.commit(size)
          state = .complete(size: size)
        } else {
          state = .body(size: size, received: received + count)
        }
      case .complete:
        throw RPCError(
          .unimplemented, reason: "MESSAGE_NOT_EXPECTED", "more than one message in a unary call")
      }
    }
  }

  /// Puts the message in the place of a complete compressed one.
  func decompress(in buffer: MessageBuffer) throws(RPCError) {
    guard let encoding else { return }
    buffer.fill(unsafe try encoding.message(buffer.message, limit: limit))
  }

  private mutating func begin(_ prefix: UInt64, _ buffer: MessageBuffer) throws(RPCError) {
    isMessageCompressed = try isCompressed(prefix >> 32, encoding)
    let size = Int(prefix & 0xFFFF_FFFF)
    guard size <= limit else {
      throw RPCError(
        .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        "a message of \(size) bytes is beyond the limit of \(limit) bytes")
    }
    _ = unsafe buffer.reserve(size)
    if size == 0 {
      buffer.commit(0)
      state = .complete(size: 0)
    } else {
      state = .body(size: size, received: 0)
    }
  }
}
