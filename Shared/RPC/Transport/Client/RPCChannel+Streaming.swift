internal import HTTP2
internal import NIOCore
package import RPCCore

extension RPCChannel {
  package func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream {
    let config = methodConfigs[method]
    let options = completed(options, config)
    let deadline = options.timeout.map { Deadline(after: $0) }
    if let timeout = options.timeout, timeout <= .zero {
      throw RPCError(.deadlineExceeded, "the deadline has passed")
    }
    let loop = currentLoop() ?? home
    return try await withCheckedThrowingContinuation { continuation in
      let start = { @Sendable in
        guard let part = self.part(of: loop) else {
          continuation.resume(throwing: self.closedError)
          return
        }
        let limits = self.configuration.limits
        let messages = MessageStream(role: .client, loop: part.loop, limits: limits)
        if let config { messages.apply(config) }
        let call = ClientCall(
          method: method, messages: messages, options: options, deadline: deadline, config: config,
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
