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
        continuation.resume(
          returning: part.startStream(method, options: options, deadline: deadline, config: config))
      }
      if loop.inEventLoop { start() } else { loop.execute(start) }
    }
  }
}
