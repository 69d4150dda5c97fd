internal import BenchmarkAPI
internal import NIOCore
internal import RPCCore

/// The answers that every server of the benchmark gives.
struct EchoAnswers: EchoService {
  let nextTurn: NextTurn

  func echo(_ request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    Self.answer(to: request)
  }

  func echoLater(_ request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    await nextTurn.wait()
    return Self.answer(to: request)
  }

  func list(_ request: ListRequest, context: ServerContext) async throws -> ListResponse {
    guard (0...10_000).contains(request.items) else {
      throw RPCError(.invalidArgument, "items is \(request.items); 0 to 10000 are possible")
    }
    return ListResponse(items: (0..<request.items).map(Self.item))
  }

  func count(
    _ request: CountRequest, to writer: MessageWriter<EchoResponse>, context: ServerContext
  ) async throws {
    guard (0...1_000_000).contains(request.messages) else {
      throw RPCError(.invalidArgument, "messages is \(request.messages); 0 to 1000000 are possible")
    }
    var answer = Self.answer(
      to: EchoRequest(
        id: "req-0123456789abcdef", text: "hello gRPC benchmark world", timeUs: 1_700_000_000_000))
    for number in 0..<request.messages {
      answer.count = number
      try await writer.write(answer)
    }
  }

  static func answer(to request: EchoRequest) -> EchoResponse {
    EchoResponse(
      id: request.id, text: request.text, count: request.count &+ 1, timeUs: request.timeUs,
      server: "benchmark-peer/0123456789-abcdef")
  }

  static func item(_ number: Int32) -> Item {
    Item(
      id: "0190f5a0-7b5e-7c3a-9d61-3f0c5a8e1b2d", name: "Managed server, large",
      price: Amount(currencyCode: "CHF", minorUnits: 12_900 + Int64(number)),
      createdUs: 1_700_000_000_000_000, active: true)
  }
}

/// Suspends until a later turn of one event loop, as a handler does whose storage answers a batch.
///
/// By unchecked continuations: what is measured is the runtime under a handler, not the checks in it.
///
/// `@unchecked Sendable`: `waiting` is touched on the event loop only.
@safe final class NextTurn: @unchecked Sendable {
  private let eventLoop: any EventLoop
  private var waiting = unsafe [UnsafeContinuation<Void, Never>]()

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func wait() async {
    unsafe await withUnsafeContinuation { continuation in
      eventLoop.assertInEventLoop()
      unsafe waiting.append(continuation)
      if unsafe waiting.count == 1 { eventLoop.execute { self.resumeAll() } }
    }
  }

  private func resumeAll() {
    let ready = unsafe waiting
    unsafe waiting.removeAll(keepingCapacity: true)
    unsafe ready.forEach { unsafe $0.resume() }
  }
}
