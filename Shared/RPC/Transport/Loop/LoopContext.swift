internal import HTTP2
internal import Messages
internal import NIOCore
internal import NIOPosix
internal import RPCCore
internal import TLS

/// What the connections of one event loop share: executor, scratch memory, timers, and the turn.
///
/// A turn is one batch of input: connections take bytes in, handlers run, then every connection
/// with output writes it at once.
///
/// `@unchecked Sendable`: everything but `executor` and `eventLoop` is touched on the event loop
/// only, which debug builds assert.
@safe final class LoopContext: @unchecked Sendable {
  /// Plaintext of one TLS write at most.
  static let plaintextBytes = 64 * 1024
  /// Message buffers kept for later calls, and how much memory each keeps.
  private static let retainedBuffers = 256
  private static let retainedBufferBytes = 16 * 1024
  /// Calls kept for later ones, and how much memory of its messages each keeps.
  private static let retainedCalls = 1024
  private static let retainedCallBytes = 4 * 1024

  let eventLoop: any EventLoop
  /// Monotonic time in nanoseconds; what everything on this loop goes by. A test may replace it.
  var now: () -> UInt64 = Deadline.now
  private(set) lazy var executor = LoopExecutor(eventLoop: eventLoop) { [unowned self] in
    scheduleTurn()
  }
  let handlerTasks = HandlerTasks()
  let tlsScratch = TLSScratch()
  let http2Scratch = HTTP2Scratch()
  let arena = MessageArena()
  let plaintext = UnsafeMutableRawBufferPointer.allocate(
    byteCount: LoopContext.plaintextBytes, alignment: 16)
  /// `:status 200` and the content type.
  let responseHeaders = HTTP2HeaderBlock(constant: [
    (":status", "200"), ("content-type", "application/grpc"),
  ])
  /// `grpc-status 0`.
  let successTrailers = HTTP2HeaderBlock(constant: [("grpc-status", "0")])
  /// The list that is being built for sending.
  let headers = HTTP2HeaderBlock()

  private var buffers: [MessageBuffer] = []
  private var calls: ContiguousArray<ServerCall> = []
  private var dirty: ContiguousArray<Connection> = []
  private var isInTurn = false
  private var isTurnScheduled = false
  private var wheel = TimerWheel(now: Deadline.now())
  private var isTickScheduled = false
  private var connections: [ObjectIdentifier: Connection] = [:]
  private var housekeeping: RepeatedTask?
  private var random: UInt64 = .random(in: 1 ... .max)

  private static let ofThread = ThreadSpecificVariable<LoopContext>()

  /// A context of its own, for a loop that `current` is not asked for.
  init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  deinit { unsafe plaintext.deallocate() }

  /// Lets go of what refers to the context, sleeping tasks and kept calls, when its event loop is
  /// used no more; the tasks end in the turn that follows.
  func retire() {
    handlerTasks.endSleeping()
    calls = []
    scheduleTurn()
  }

  /// The context of the event loop that this code runs on; made on first use.
  static func current(_ eventLoop: any EventLoop) -> LoopContext {
    eventLoop.preconditionInEventLoop()
    if let context = ofThread.currentValue { return context }
    let context = LoopContext(eventLoop: eventLoop)
    ofThread.currentValue = context
    return context
  }

  // MARK: Turns

  /// Input begins; output waits for `endTurn`.
  func beginTurn() { isInTurn = true }

  /// Runs what is ready and writes what connections have to say.
  func endTurn() {
    eventLoop.assertInEventLoop()
    isInTurn = true
    let executor = executor
    repeat {
      repeat { executor.drain() } while handlerTasks.wakeOne(on: executor)
      while !dirty.isEmpty {
        let batch = dirty
        dirty.removeAll(keepingCapacity: true)
        for connection in batch {
          connection.isDirty = false
          connection.flush()
        }
      }
    } while executor.hasReadyJobs
    isInTurn = false
  }

  /// Has a call's handler run in this turn.
  func run(_ call: ServerCall) { handlerTasks.add(call) }

  /// Makes sure that a turn ends soon.
  func scheduleTurn() {
    guard !isInTurn, !isTurnScheduled else { return }
    isTurnScheduled = true
    eventLoop.execute { [self] in
      isTurnScheduled = false
      endTurn()
    }
  }

  /// Notes that a connection has output.
  func markDirty(_ connection: Connection) {
    guard !connection.isDirty else { return }
    connection.isDirty = true
    dirty.append(connection)
    scheduleTurn()
  }

  // MARK: Memory

  func takeBuffer() -> MessageBuffer { buffers.popLast() ?? MessageBuffer() }

  func give(_ buffer: MessageBuffer) {
    guard buffers.count < Self.retainedBuffers else { return }
    buffer.reset(keeping: Self.retainedBufferBytes)
    buffers.append(buffer)
  }

  func takeCall() -> ServerCall { calls.popLast() ?? ServerCall(loop: self) }

  /// Takes a call back whose handler does not run, and which no stream or timer refers to.
  func give(_ call: consuming ServerCall) {
    guard call.end(keeping: Self.retainedCallBytes), calls.count < Self.retainedCalls else {
      return
    }
    calls.append(call)
  }

  /// Answers with one message and nothing else.
  func submitPlainResponse(
    _ stream: HTTP2Stream, _ message: UnsafeRawBufferPointer, in session: HTTP2Session
  ) {
    unsafe session.submitResponse(stream, responseHeaders, message, successTrailers)
  }

  // MARK: Time

  /// Fires a target's timer at a monotonic time in nanoseconds, or up to two ticks later.
  func setTimer(_ target: any TimerTarget, at time: UInt64, now: UInt64) {
    wheel.set(target, at: time, now: now)
    scheduleTick()
  }

  func cancelTimer(_ target: any TimerTarget) { wheel.cancel(target) }

  private func scheduleTick() {
    guard !isTickScheduled, !wheel.isEmpty else { return }
    isTickScheduled = true
    let delay = TimeAmount.nanoseconds(Int64(TimerWheel.tickNanoseconds))
    eventLoop.scheduleTask(in: delay) { [self] in
      isTickScheduled = false
      fireTimers()
      scheduleTick()
    }
  }

  /// Fires what is due.
  func fireTimers() {
    for target in wheel.expired(now: now()) { target.timerFired() }
  }

  // MARK: Connections

  func add(_ connection: Connection) {
    connections[ObjectIdentifier(connection)] = connection
    guard housekeeping == nil else { return }
    let second = TimeAmount.seconds(1)
    housekeeping = eventLoop.scheduleRepeatedTask(initialDelay: second, delay: second) {
      [unowned self] _ in
      checkLimits()
    }
  }

  /// Has every connection check its limits in time.
  func checkLimits() {
    let now = now()
    for connection in Array(connections.values) { connection.secondPassed(now: now) }
  }

  func remove(_ connection: Connection) {
    connections[ObjectIdentifier(connection)] = nil
    guard connections.isEmpty else { return }
    housekeeping?.cancel()
    housekeeping = nil
  }

  // MARK: Chance

  /// A pseudo-random number (xorshift64*), for correlation ids and jitter; not for secrets.
  func nextRandom() -> UInt64 {
    random ^= random >> 12
    random ^= random << 25
    random ^= random >> 27
    return random &* 0x2545_F491_4F6C_DD1D
  }
}

/// A value that is used on one event loop only and passes through code that wants it Sendable.
///
/// `@unchecked Sendable`: whoever unwraps it is on the loop that owns the value.
struct LoopConfined<Value>: @unchecked Sendable {
  let value: Value
}
