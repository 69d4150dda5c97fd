internal import HTTP2
internal import RPCCore

/// How much of requests a connection holds in memory: what the windows of its streams let in, which
/// are small, and the large messages that have a share of the budget. A sender whose message has to
/// wait for its share is held back by its stream's window; the connection's window is given back
/// whatever happens, so that the others go on.
extension ServerConnection {
  /// A message up to this many bytes needs no share: half of a window is always open.
  var smallMessageBytes: Int { Int(limits.requestWindowBytes) / 2 }

  /// Takes a share for the message that a unary request has begun, or holds its sender back.
  func reserve(_ call: ServerCall, _ stream: HTTP2Stream) {
    let bytes = call.deframer.messageBytes
    if budget.take(bytes, for: call.streamID) {
      call.reservedBytes = bytes
      widen(stream, bytes)
    } else {
      call.isHeldBack = true
    }
  }

  /// Whether the message that a streaming request has begun may be collected.
  func reserve(_ bytes: Int, _ stream: HTTP2Stream) -> Bool {
    guard bytes > smallMessageBytes, let call = call(of: stream), call.reservedBytes == 0 else {
      return true
    }
    guard !call.isHeldBack else { return false }
    if call.requestDue == nil {
      call.requestDue = now &+ UInt64(clamping: limits.requestSeconds) &* 1_000_000_000
    }
    guard budget.take(bytes, for: call.streamID) else {
      call.isHeldBack = true
      return false
    }
    call.reservedBytes = bytes
    return true
  }

  /// A streaming handler has a message.
  func messageTaken(_ stream: HTTP2Stream) {
    guard let call = call(of: stream), call.reservedBytes > 0 else { return }
    if call.context.method.kind != .serverStreaming { call.requestDue = nil }
    leaveBudget(call)
  }

  /// Gives back what a call has of the budget, and lets those go on that wait for it.
  func leaveBudget(_ call: ServerCall) {
    guard call.reservedBytes > 0 || call.isHeldBack else { return }
    if call.isHeldBack { budget.withdraw(call.streamID) }
    budget.give(call.reservedBytes)
    call.isHeldBack = false
    call.reservedBytes = 0
    while let (id, bytes) = budget.next() {
      guard let session, let stream = session.stream(id), let next = self.call(of: stream) else {
        budget.give(bytes)
        continue
      }
      next.isHeldBack = false
      next.reservedBytes = bytes
      if let messages = next.messages {
        messages.goOn()
      } else {
        session.releaseHeld(stream, stream.heldBytes)
        widen(stream, bytes)
      }
      loop.markDirty(self)
    }
  }

  /// Lets the rest of a unary call's message come at once.
  private func widen(_ stream: HTTP2Stream, _ bytes: Int) {
    let window = bytes + MessageBuffer.prefixSize
    session?.widen(stream, to: min(window, Int(limits.http2.streamWindowBytes)))
  }

  /// Gives a stream that brings much a large window, if few others have one.
  func widenBusyStream(_ call: ServerCall, _ stream: HTTP2Stream, _ count: Int) {
    guard !call.isWide else { return }
    call.streamedBytes += count
    guard call.streamedBytes > Int(limits.requestWindowBytes),
      wideStreams < limits.maximumWideStreams
    else { return }
    wideStreams += 1
    call.isWide = true
    session?.widen(stream, to: Int(limits.http2.streamWindowBytes))
  }
}
