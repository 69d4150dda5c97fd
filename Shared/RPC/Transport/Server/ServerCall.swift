internal import Compression
internal import HTTP2
internal import RPCCore

/// One call on a server, from its headers to its answer. Confined to its connection's event loop.
final class ServerCall: TimerTarget {
  /// How far the call is.
  enum State: Sendable, Hashable {
    /// The request is still arriving.
    case receiving
    /// The handler runs.
    case running
    /// Answered, or its stream is gone; a handler that still runs answers nobody.
    case finished
  }

  /// Who answers.
  enum Target {
    case method(MethodEntry)
    case fallback(MethodDescriptor)

    var descriptor: MethodDescriptor {
      switch self {
      case .method(let entry): entry.method
      case .fallback(let descriptor): descriptor
      }
    }
  }

  let streamID: Int32
  let connection: ServerConnection
  let target: Target
  /// What handlers get, but for the response.
  let context: ServerContext
  /// What the handler adds to its answer.
  private(set) var response: ServerResponse
  /// How the answer may be compressed.
  let accepted: AcceptedEncodings
  /// The request while it arrives, then the answer.
  let buffer: MessageBuffer
  var deframer: MessageDeframer
  var state = State.receiving
  /// Request bytes counted against the connection's budget.
  var bufferedBytes = 0
  var task: Task<Void, Never>?
  /// The messages of a streaming call, whose handler runs from the headers on; nil for unary ones.
  var messages: MessageStream?
  var timerPosition: TimerPosition?
  /// Monotonic time of the timer, in nanoseconds.
  var timerTime: UInt64 = 0

  init(
    streamID: Int32, connection: ServerConnection, target: Target, context: ServerContext,
    buffer: MessageBuffer, limit: Int, encoding: MessageEncoding?, accepted: AcceptedEncodings
  ) {
    self.streamID = streamID
    self.connection = connection
    self.target = target
    self.context = context
    self.buffer = buffer
    self.accepted = accepted
    response = connection.loop.takeResponse()
    deframer = MessageDeframer(limit: limit, encoding: encoding)
  }

  deinit {
    // A handler may have kept its context.
    if isKnownUniquelyReferenced(&response) { connection.loop.give(response) }
  }

  /// The context that the handler gets.
  var handlerContext: ServerContext {
    var context = context
    context.response = response
    context.isRequestCompressed = deframer.isMessageCompressed
    return context
  }

  func timerFired() { connection.timeout(self) }
}
