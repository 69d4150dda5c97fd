package import Logging
package import RPCCore

/// One debug line for each call: method, peer, status, milliseconds and correlation id. Put first
/// among a server's interceptors, it sees the status that the caller gets from all the others.
package struct CallLog: ServerInterceptor {
  private let logger: Logger

  package init(logger: Logger) {
    self.logger = logger
  }

  package func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    guard logger.logLevel <= .debug else { return try await proceed(context) }
    let began = ContinuousClock.now
    do {
      try await proceed(context)
      write(context, .ok, .now - began)
    } catch {
      write(context, (error as? RPCError)?.code, .now - began)
      throw error
    }
  }

  /// - Parameter code: nil for an error that carries none; the server answers with one of its own.
  private func write(_ context: ServerContext, _ code: StatusCode?, _ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    let thousandths = String(1000 + microseconds % 1000).dropFirst()
    logger.debug(
      "call",
      metadata: [
        "method": "\(context.method.service)/\(context.method.name)",
        "peer": "\(context.peer.certificateNames.first ?? "-")",
        "code": "\(code?.description ?? "-")",
        "ms": "\(microseconds / 1000).\(thousandths)",
        "correlation": "\(context.correlationID)",
      ])
  }
}
