/// One stream of a session.
///
/// Pooled: what must outlive a callback keeps the `id` and asks the session for the stream again.
/// Not Sendable: confined to the event loop of its connection.
@usableFromInline package final class HTTP2Stream {
  package internal(set) var id: Int32 = 0
  /// The state that the session's owner keeps for the stream.
  @usableFromInline package var owner: AnyObject?

  /// Lends the owner without counting it; `body` must not replace it, as nobody else may hold it.
  ///
  /// - Parameter type: the owner's, unless it is nil.
  @inlinable @inline(__always)
  package func withOwner<Owner: AnyObject, Result>(
    as type: Owner.Type, _ body: (Owner) -> Result
  ) -> Result? {
    // The reference as it lies there: an optional of one is an address or zero.
    let address = unsafe withUnsafePointer(to: &owner) { pointer in
      unsafe UnsafeRawPointer(pointer).load(as: UnsafeRawPointer?.self)
    }
    guard let address = unsafe address else { return nil }
    return unsafe Unmanaged<Owner>.fromOpaque(address)._withUnsafeGuaranteedRef(body)
  }

  /// How far the sending side is.
  enum Sending: Sendable, Hashable {
    /// No headers yet.
    case idle
    /// Headers are submitted, data may follow.
    case open
    /// Nothing follows what is queued.
    case ended
  }

  var sending = Sending.idle
  /// Data waiting for the peer's window and the socket.
  var queue = ByteQueue()
  /// The block that ends the stream once the queue is empty.
  var trailers: HTTP2HeaderBlock?
  /// The queue was empty when the session asked for data.
  var isDeferred = false
  /// Bytes of a complete answer that waited when somebody last looked, and since when.
  var unreadBytes = 0
  var unreadSince: UInt64 = 0
  /// Place in the session's table.
  var slot = 0
  /// True when a client's stream is over and no frame of it was ever made: nothing of it has left.
  package internal(set) var wasNeverSent = false
  /// True once the peer ended its side.
  package internal(set) var hasReceivedEnd = false
  /// Received bytes that are not consumed yet.
  package internal(set) var unconsumedBytes = 0
  /// Received bytes that count against the stream's window only, until its reader takes them.
  package internal(set) var heldBytes = 0

  init() {}

  /// Bytes queued for sending.
  package var queuedBytes: Int { queue.count }

  func reset() {
    id = 0
    if owner != nil { owner = nil }
    sending = .idle
    queue.removeAll()
    if trailers != nil { trailers = nil }
    isDeferred = false
    unreadBytes = 0
    unreadSince = 0
    wasNeverSent = false
    hasReceivedEnd = false
    unconsumedBytes = 0
    heldBytes = 0
  }
}
