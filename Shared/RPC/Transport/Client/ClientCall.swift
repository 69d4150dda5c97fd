internal import Compression
internal import HTTP2
internal import RPCCore

/// One call of a client, from its start to its outcome. Confined to its channel's event loop.
final class ClientCall: TimerTarget {
  /// How far the call is.
  enum State: Sendable, Hashable {
    /// Not on a connection: for the first time, or between two attempts.
    case waiting
    /// On a stream.
    case sent(streamID: Int32)
    case finished
  }

  let method: MethodDescriptor
  let request: [UInt8]
  let options: CallOptions
  let deadline: Deadline?
  var state = State.waiting
  /// The connection of a sent call.
  weak var connection: ClientConnection?
  /// The channel that the call waits in or runs on.
  let channel: LoopChannel
  /// The messages of a streaming call; nil for a unary one.
  let messages: MessageStream?

  // The answer as it arrives.
  var initial: ResponseHead?
  var trailers: ResponseHead?
  var deframer: MessageDeframer
  let buffer: MessageBuffer

  /// True once bytes of the answer's body have come.
  var hasData = false
  /// True when the answer is one header block: its status comes before any answer.
  var isTrailersOnly = false
  /// The policy of the call's retries and how far they are; nil without one.
  private(set) var retries: RetryState?
  /// True when the call belongs to its connection.
  private var isBound = false
  /// Bytes of the longest answer.
  private let limit: Int
  /// The attempts that the application and the policy learn nothing of.
  private var transparentRetries = TransparentRetries()
  var timerPosition: TimerPosition?

  private var continuation: CheckedContinuation<RawResponse, any Error>?

  init(
    method: MethodDescriptor, request: [UInt8], options: CallOptions, deadline: Deadline?,
    config: MethodConfig?, channel: LoopChannel,
    continuation: CheckedContinuation<RawResponse, any Error>
  ) {
    self.method = method
    self.request = request
    self.options = options
    self.deadline = deadline
    self.channel = channel
    self.continuation = continuation
    messages = nil
    buffer = channel.loop.takeBuffer()
    limit = config?.maximumResponseBytes(channel.limits) ?? channel.limits.maximumMessageBytes
    deframer = MessageDeframer(limit: limit)
    retries = config?.retryPolicy.map { RetryState($0) }
  }

  /// A streaming call.
  init(
    method: MethodDescriptor, messages: MessageStream, options: CallOptions, deadline: Deadline?,
    config: MethodConfig?, channel: LoopChannel
  ) {
    self.method = method
    request = []
    self.options = options
    self.deadline = deadline
    self.channel = channel
    self.messages = messages
    buffer = channel.loop.takeBuffer()
    limit = 0
    deframer = MessageDeframer(limit: 0)
    retries = config?.retryPolicy.map { RetryState($0) }
  }

  /// A streaming call on one connection and no other.
  init(
    method: MethodDescriptor, messages: MessageStream, options: CallOptions,
    boundTo channel: LoopChannel
  ) {
    self.method = method
    request = []
    self.options = options
    deadline = nil
    self.channel = channel
    self.messages = messages
    buffer = channel.loop.takeBuffer()
    limit = 0
    deframer = MessageDeframer(limit: 0)
    retries = nil
    isBound = true
    let confined = LoopConfined(value: self)
    messages.onCancel { confined.value.abandon(RPCError(.cancelled, "the call was cancelled")) }
  }

  /// How messages are sent; nil for plain.
  var encoding: MessageEncoding? { options.compression.flatMap { MessageEncoding($0) } }

  /// Puts the request of a unary call behind its prefix.
  func fillRequest() throws(RPCError) {
    guard let encoding else { return buffer.fill(request) }
    do {
      let small = unsafe try request.withUnsafeBytes { unsafe try encoding.compressed($0) }
      buffer.fill(small, isCompressed: true)
    } catch let error as RPCError {
      throw error
    } catch {
      throw RPCError(.internalError, "the request does not compress")
    }
  }

  /// True when the call can be sent again: it is bound to no connection, and nothing of a streaming call's messages is gone.
  var canRestart: Bool { !isBound && messages?.canRestart != false }

  /// Attempts before this one that a server has answered, for `grpc-previous-rpc-attempts`.
  var previousAttempts: Int { retries?.previousAttempts ?? 0 }

  /// Forgets what of an answer has arrived, for another attempt.
  func restart() {
    state = .waiting
    connection = nil
    initial = nil
    trailers = nil
    hasData = false
    isTrailersOnly = false
    deframer = MessageDeframer(limit: limit)
    messages?.restart()
  }

  // MARK: The outcome

  /// True when an attempt that ended without an answer is made again at once, whatever the policy.
  func isRetriedTransparently(after fate: AttemptFate) -> Bool {
    guard initial == nil, canRestart, transparentRetries.attemptEnded(fate) else { return false }
    restart()
    channel.placeAgain(self)
    return true
  }

  /// The attempt ended with an error; the call ends with it too, unless its policy wants another.
  func attemptFailed(_ error: RPCError) {
    guard !isRetried(after: error) else { return }
    finish(.failure(error))
  }

  /// True when the policy wants another attempt, which then is under way.
  func isRetried(after error: RPCError) -> Bool {
    guard state != .finished, var retries else { return false }
    // With the answer's headers the call is committed, and without its messages it is lost.
    if initial != nil && !isTrailersOnly || !canRestart { retries.commit() }
    let time = channel.timeOfRetry(&retries, of: self, after: error)
    self.retries = retries
    guard let time else { return false }
    restart()
    channel.retry(self, at: time)
    return true
  }

  /// Ends the call; only the first outcome counts.
  func finish(_ outcome: Result<RawResponse, RPCError>) {
    guard state != .finished else { return }
    state = .finished
    channel.loop.cancelTimer(self)
    channel.loop.give(buffer)
    if let response = options.response {
      switch outcome {
      case .success(let answer): response.end(answer.trailingMetadata)
      case .failure(let error): response.end(error.metadata)
      }
    }
    let continuation = continuation
    self.continuation = nil
    continuation?.resume(with: outcome.mapError { $0 as any Error })
    switch outcome {
    case .success: if retries != nil { channel.callSucceeded() }
    case .failure(let error): messages?.fail(error)
    }
  }

  /// Ends a streaming call with the server's status, after the messages that are here.
  func finishMessages(_ status: RPCError?) {
    guard state != .finished else { return }
    state = .finished
    channel.loop.cancelTimer(self)
    channel.loop.give(buffer)
    if status == nil, retries != nil { channel.callSucceeded() }
    messages?.end(status)
  }

  func timerFired() {
    abandon(RPCError(.deadlineExceeded, "the deadline has passed"))
  }

  /// Ends the call from our side and tells the server.
  func abandon(_ error: RPCError) {
    guard state != .finished else { return }
    if case .sent(let id) = state { connection?.cancel(streamID: id, messages) }
    finish(.failure(error))
    channel.callAbandoned(self)
  }
}
