internal import RPCCore
internal import Synchronization

/// One direction of a call: messages in order, with room for so many bytes.
///
/// Any number of tasks send, one receives; all may be cancelled while they wait.
final class MessagePipe: Sendable {
  /// What a message counts beyond its bytes, so that empty ones are bounded too.
  private static let messageOverhead = 32

  private enum Ending {
    /// After the messages that are here or wait for room.
    case ended(RPCError?)
    /// At once.
    case failed(RPCError)
  }

  private struct Writer {
    let id: UInt64
    let message: RawMessage
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var messages: [RawMessage] = []
    /// Messages before this index are taken.
    var start = 0
    var size = 0
    var ending: Ending?
    /// What senders are told; nil while they may send.
    var refusal: (any Error)?
    var reader: (id: UInt64, continuation: CheckedContinuation<RawMessage?, any Error>)?
    var writers: [Writer] = []
    /// Waits that were cancelled before they began.
    var cancelled: Set<UInt64> = []
    var lastID: UInt64 = 0

    mutating func nextID() -> UInt64 {
      lastID += 1
      return lastID
    }

    mutating func put(_ message: RawMessage) {
      messages.append(message)
      size += message.bytes.count + MessagePipe.messageOverhead
    }

    mutating func take() -> RawMessage? {
      guard start < messages.count else { return nil }
      let message = messages[start]
      messages[start] = RawMessage([])
      start += 1
      size -= message.bytes.count + MessagePipe.messageOverhead
      if start == messages.count {
        messages.removeAll(keepingCapacity: true)
        start = 0
      } else if start > 64, start > messages.count / 2 {
        messages.removeFirst(start)
        start = 0
      }
      return message
    }

    /// What a reader gets now; nil when it must wait.
    mutating func next(_ limit: Int, _ woken: inout [Wake]) -> Result<RawMessage?, any Error>? {
      if case .failed(let error) = ending { return .failure(error) }
      if let message = take() {
        while size < limit, let writer = writers.first {
          writers.removeFirst()
          put(writer.message)
          woken.append(.writer(writer.continuation, nil))
        }
        return .success(message)
      }
      guard case .ended(let status) = ending else { return nil }
      return status.map { .failure($0) } ?? .success(nil)
    }

    mutating func serveReader(_ limit: Int, _ woken: inout [Wake]) {
      guard let waiting = reader, let result = next(limit, &woken) else { return }
      reader = nil
      woken.append(.reader(waiting.continuation, result))
    }

    mutating func refuseWriters(_ error: any Error, _ woken: inout [Wake]) {
      refusal = refusal ?? error
      for writer in writers { woken.append(.writer(writer.continuation, error)) }
      writers = []
    }
  }

  /// A task that goes on, once the lock is free.
  private enum Wake {
    case reader(CheckedContinuation<RawMessage?, any Error>, Result<RawMessage?, any Error>)
    case writer(CheckedContinuation<Void, any Error>, (any Error)?)

    func run() {
      switch self {
      case .reader(let continuation, let result): continuation.resume(with: result)
      case .writer(let continuation, let error?): continuation.resume(throwing: error)
      case .writer(let continuation, nil): continuation.resume()
      }
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: bytes that may wait; the message that goes beyond is the last one taken.
  init(limit: Int) { self.limit = limit }

  private func change(_ body: (inout State, inout [Wake]) -> Void) {
    let woken = state.withLock { state in
      var woken: [Wake] = []
      body(&state, &woken)
      return woken
    }
    for task in woken { task.run() }
  }

  // MARK: Sending

  /// Queues a message; waits for room.
  func send(_ message: RawMessage) async throws {
    let id = state.withLock { $0.nextID() }
    defer { state.withLock { _ = $0.cancelled.remove(id) } }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        change { state, woken in
          if state.cancelled.remove(id) != nil {
            woken.append(.writer(continuation, CancellationError()))
          } else if let refusal = state.refusal {
            woken.append(.writer(continuation, refusal))
          } else if state.writers.isEmpty, state.size < limit {
            state.put(message)
            woken.append(.writer(continuation, nil))
            state.serveReader(limit, &woken)
          } else {
            state.writers.append(Writer(id: id, message: message, continuation: continuation))
          }
        }
      }
    } onCancel: {
      change { state, woken in
        if let index = state.writers.firstIndex(where: { $0.id == id }) {
          woken.append(.writer(state.writers.remove(at: index).continuation, CancellationError()))
        } else {
          state.cancelled.insert(id)
        }
      }
    }
  }

  /// Ends the messages after those that are queued or wait.
  func finish(_ status: RPCError? = nil) {
    change { state, woken in
      guard state.ending == nil else { return }
      state.ending = .ended(status)
      state.refusal = state.refusal ?? StreamClosedError()
      state.serveReader(limit, &woken)
    }
  }

  /// Takes no more messages; the reader is not told.
  func refuse(_ error: any Error) {
    change { state, woken in state.refuseWriters(error, &woken) }
  }

  /// Ends both sides at once and drops what nobody has read.
  func fail(reading error: RPCError, writing refusal: (any Error)? = nil) {
    change { state, woken in
      if case .failed = state.ending { return }
      state.ending = .failed(error)
      state.messages = []
      state.start = 0
      state.size = 0
      state.refuseWriters(refusal ?? error, &woken)
      state.serveReader(limit, &woken)
    }
  }

  // MARK: Receiving

  /// The next message; nil after the last one.
  func receive() async throws -> RawMessage? {
    let id = state.withLock { $0.nextID() }
    defer { state.withLock { _ = $0.cancelled.remove(id) } }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        change { state, woken in
          if state.cancelled.remove(id) != nil {
            woken.append(.reader(continuation, .failure(CancellationError())))
          } else if state.reader != nil {
            let error = RPCError(.internalError, "two tasks read one stream")
            woken.append(.reader(continuation, .failure(error)))
          } else if let result = state.next(limit, &woken) {
            woken.append(.reader(continuation, result))
          } else {
            state.reader = (id, continuation)
          }
        }
      }
    } onCancel: {
      change { state, woken in
        if let reader = state.reader, reader.id == id {
          state.reader = nil
          woken.append(.reader(reader.continuation, .failure(CancellationError())))
        } else {
          state.cancelled.insert(id)
        }
      }
    }
  }
}
