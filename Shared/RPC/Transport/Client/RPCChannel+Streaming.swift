internal import HTTP2
internal import NIOCore
package import RPCCore

extension RPCChannel {
  package func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream {
    let deadline = options.timeout.map { Deadline(after: $0) }
    if let timeout = options.timeout, timeout <= .zero {
      throw RPCError(.deadlineExceeded, "the deadline has passed")
    }
    let loop = currentLoop() ?? home
    return try await withCheckedThrowingContinuation { continuation in
      let start = { @Sendable in
        guard let part = self.part(of: loop) else {
          continuation.resume(
            throwing: RPCError(.unavailable, "the channel to \(self.target) is closed"))
          return
        }
        let messages = MessageStream(role: .client, loop: part.loop, limits: self.limits)
        let call = ClientCall(
          method: method, messages: messages, options: self.completed(options), deadline: deadline,
          channel: part)
        let confined = LoopConfined(value: call)
        messages.onCancel {
          let call = confined.value
          call.abandon(
            call.deadline?.isPast == true
              ? RPCError(.deadlineExceeded, "the deadline has passed")
              : RPCError(.cancelled, "the call was cancelled"))
        }
        part.start(call)
        continuation.resume(returning: messages)
      }
      if loop.inEventLoop { start() } else { loop.execute(start) }
    }
  }
}
