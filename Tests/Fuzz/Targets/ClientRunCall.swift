import GoogleAPI
import Messages
import RPCCore

@testable import RPCTransport

/// One call of ``ClientRun``. Its kind: bits 0 and 1 say which of the four, bit 2 waits for
/// readiness, bit 3 has a deadline, bit 4 compresses, bit 5 does not read to the end.
final class ClientRunCall: CustomStringConvertible {
  private let kind: UInt8
  private let progress = Progress()
  private var task: Task<Void, Never>?
  private var isCancelled = false

  init(_ kind: UInt8, on channel: LoopChannel) {
    self.kind = kind
    let memory = MemoryChannel(channel: LoopConfined(value: channel), progress: progress)
    task = Task(executorPreference: channel.loop.executor) { await perform(kind, memory) }
  }

  /// How far a call is. `@unchecked Sendable`: touched on the event loop only.
  final class Progress: @unchecked Sendable {
    /// The answers that were read, or why not.
    fileprivate var outcome: Result<Int, any Error>?
    /// The unary call.
    fileprivate weak var call: ClientCall?
    /// What has to be gone in the end.
    fileprivate var remains: [WeakReference] = []
  }

  /// The caller gives up.
  func cancel() {
    isCancelled = true
    task?.cancel()
    progress.call?.abandon(RPCError(.cancelled, "the call was cancelled"))
  }

  var isOver: Bool { progress.outcome != nil }
  var hasDeadline: Bool { kind & 8 != 0 }
  var waitsForReady: Bool { kind & 4 != 0 }
  var remains: [WeakReference] { progress.remains }

  /// An error that no call ends with.
  var unexpectedError: (any Error)? {
    guard case .failure(let error) = progress.outcome, !(error is RPCError) else { return nil }
    return isCancelled && error is CancellationError ? nil : error
  }

  var description: String { "a call of kind \(kind)\(isCancelled ? ", cancelled" : "")" }
}

private func perform(_ kind: UInt8, _ channel: MemoryChannel) async {
  do {
    channel.progress.outcome = .success(try await run(kind, channel))
  } catch {
    channel.progress.outcome = .failure(error)
  }
}

private func run(_ kind: UInt8, _ channel: MemoryChannel) async throws -> Int {
  var options = CallOptions(
    timeout: kind & 8 != 0 ? .seconds(3) : nil, metadata: ["x-text": "a b"],
    waitForReady: kind & 4 != 0)
  options.acceptsCompression = true
  if kind & 16 != 0 { options.compression = .gzip }
  let request = ClientRun.message
  let most = kind & 32 != 0 ? 1 : Int.max
  switch kind & 3 {
  case 0:
    let _: AnyMessage = try await channel.call(MemoryChannel.echo, request, options: options)
    return 1
  case 1:
    return try await channel.serverStreaming(MemoryChannel.count, request, options: options) {
      (answers: MessageReader<AnyMessage>) in try await read(answers, most)
    }
  case 2:
    let _: AnyMessage = try await channel.clientStreaming(
      MemoryChannel.collect, options: options
    ) { (writer: MessageWriter<AnyMessage>) in
      for _ in 0..<3 { try await writer.write(large) }
    }
    return 1
  default:
    return try await channel.bidirectional(MemoryChannel.chat, options: options) {
      (answers: MessageReader<AnyMessage>, writer: MessageWriter<AnyMessage>) in
      var count = 0
      do {
        for _ in 0..<3 {
          try await writer.write(large)
          guard try await answers.next() != nil else { return count }
          count += 1
        }
      } catch is StreamClosedError {
        // Answered already; the reader knows how.
      }
      await writer.finish()
      return count + (try await read(answers, most))
    }
  }
}

/// Three of these are more than what is kept for another attempt.
private let large = AnyMessage(
  typeURL: "type", value: [UInt8](repeating: 7, count: 200))

private func read(_ answers: MessageReader<AnyMessage>, _ most: Int) async throws -> Int {
  var count = 0
  while count < most, try await answers.next() != nil { count += 1 }
  return count
}

/// A channel's calls on its event loop, as `RPCChannel` begins them from wherever it is called.
private struct MemoryChannel: ClientChannel {
  let channel: LoopConfined<LoopChannel>
  let progress: ClientRunCall.Progress

  static let echo = MethodDescriptor(service: "kontor.fuzz.v1.EchoService", name: "Echo")
  static let count = MethodDescriptor(
    service: echo.service, name: "Count", kind: .serverStreaming)
  static let collect = MethodDescriptor(
    service: echo.service, name: "Collect", kind: .clientStreaming)
  static let chat = MethodDescriptor(service: echo.service, name: "Chat", kind: .bidirectional)

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    let channel = channel.value
    return try await withCheckedThrowingContinuation { continuation in
      let call = ClientCall(
        method: method, request: request, options: options, deadline: deadline(options),
        config: config(method), channel: channel, continuation: continuation)
      progress.call = call
      channel.start(call)
    }
  }

  func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream {
    let stream = channel.value.startStream(
      method, options: options, deadline: deadline(options), config: config(method))
    progress.remains.append(WeakReference(object: stream))
    return stream
  }

  func close() async {}

  private func deadline(_ options: CallOptions) -> Deadline? {
    options.timeout.map { Deadline(after: $0, now: channel.value.loop.now()) }
  }

  private func config(_ method: MethodDescriptor) -> MethodConfig? {
    MethodConfigTable(channel.value.configuration.serviceConfig)[method]
  }
}
