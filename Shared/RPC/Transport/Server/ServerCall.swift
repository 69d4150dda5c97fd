internal import Compression
internal import HTTP2
internal import RPCCore

/// One call on a server, from its headers to its answer. Confined to its connection's event loop.
///
/// Used again for later calls of any connection of the loop: between `begin` and `end` it is one
/// call's.
@safe final class ServerCall: TimerTarget {
  /// How far the call is.
  enum State: Sendable, Hashable {
    /// The request is still arriving.
    case receiving
    /// The handler runs.
    case running
    /// Answered, or its stream is gone; a handler that still runs answers nobody.
    case finished
  }

  /// The request while it arrives, then the answer, and the context that the handler gets.
  let invocation: UnaryInvocation
  /// The invocation's.
  let buffer = MessageBuffer()
  private(set) var streamID: Int32 = 0
  /// Nil between calls.
  private(set) var connection: ServerConnection?
  /// The method that answers; nil between calls, and where the fallback does.
  private(set) var entry: Unmanaged<MethodEntry>?
  private(set) var kind = MethodDescriptor.Kind.unary
  /// How the answer may be compressed.
  private(set) var accepted = AcceptedEncodings()
  var deframer = MessageDeframer(limit: 0)
  var state = State.finished
  /// The message's share of the connection's budget, in bytes.
  var reservedBytes = 0
  /// True while the message waits for its share.
  var isHeldBack = false
  /// Bytes that a streaming request has brought; not counted once its window is large.
  var streamedBytes = 0
  /// True when the stream has a large window.
  var isWide = false
  /// When the request must have arrived, in monotonic nanoseconds; nil when it has, or may take its
  /// time.
  var requestDue: UInt64?
  var timerPosition: TimerPosition?
  /// The one behind this in the queue of `HandlerTasks`.
  var following: ServerCall?
  /// The messages of a streaming call, whose handler runs from the headers on; nil for unary ones.
  var messages: MessageStream?
  /// The handler's task of a streaming call.
  var task: Task<Void, Never>?
  /// What runs the handler of a unary call; it outlives the run, so that it is not counted.
  unowned(unsafe) var worker: HandlerTasks.Worker?

  init(loop: LoopContext) { invocation = UnaryInvocation(buffer: buffer, arena: loop.arena) }

  /// What handlers get.
  var context: ServerContext { invocation.context }
  /// What the handler adds to its answer.
  var response: ServerResponse { invocation.context.response }

  /// Has a method answer, which is not counted: the connection's server keeps it.
  func answer(by entry: MethodEntry) {
    unsafe self.entry = .passUnretained(entry)
    kind = entry.method.kind
    invocation.context.setMethod(entry.method)
  }

  /// Has the server's fallback answer.
  func answerByFallback(_ method: MethodDescriptor) {
    unsafe entry = nil
    kind = method.kind
    invocation.context.setMethod(method)
  }

  /// Takes a new call up; the caller has set the method and the context.
  func begin(
    streamID: Int32, connection: ServerConnection, limit: Int, encoding: MessageEncoding?,
    accepted: AcceptedEncodings
  ) {
    self.streamID = streamID
    self.connection = connection
    self.accepted = accepted
    deframer = MessageDeframer(limit: limit, encoding: encoding)
    state = .receiving
  }

  /// Forgets the call; false when its handler has kept the context, and the object is not to be
  /// used again.
  func end(keeping bytes: Int) -> Bool {
    connection = nil
    unsafe entry = nil
    if messages != nil { messages = nil }
    if task != nil { task = nil }
    unsafe worker = nil
    requestDue = nil
    streamedBytes = 0
    isWide = false
    buffer.reset(keeping: bytes)
    return invocation.clear()
  }

  /// Tells the handler that nobody waits for its answer.
  func cancelHandler() {
    unsafe worker?.cancel()
    task?.cancel()
  }

  func timerFired() { connection?.timeout(self) }
}
