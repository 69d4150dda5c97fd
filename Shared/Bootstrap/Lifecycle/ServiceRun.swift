package import Logging
package import RPCTransport

/// The middle of a main: from the start of the server to the end of its drain.
package struct ServiceRun: Sendable {
  /// Work that goes on beside the calls (a relay, a rotation of keys) until it is cancelled.
  package struct Background: Sendable {
    package let name: String
    package let body: @Sendable () async throws -> Void

    package init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
      self.name = name
      self.body = body
    }
  }

  private let health: ServingStatus
  private let termination: Termination
  private let grace: Duration
  private let logger: Logger

  /// The run of a configured service.
  package init(
    _ configuration: ServiceConfiguration, health: ServingStatus, termination: Termination,
    logger: Logger
  ) {
    self.init(
      health: health, termination: termination, grace: configuration[.drainGrace], logger: logger)
  }

  package init(
    health: ServingStatus, termination: Termination, grace: Duration, logger: Logger
  ) {
    self.health = health
    self.termination = termination
    self.grace = grace
    self.logger = logger
  }

  /// Starts, serves until the end is requested, then tells NOT_SERVING and drains. Background work
  /// starts once the server listens and is cancelled after the drain, when no call needs it any more.
  ///
  /// - Parameters:
  ///   - start: binds and listens; answers the port.
  ///   - drain: ends the server's connections within the time given.
  /// - Throws: what `start` throws, or ``BackgroundEnded`` after a drain when background work ended
  ///   without having been asked to.
  package func run(
    start: @Sendable () async throws -> Int, drain: @escaping @Sendable (Duration) async -> Void,
    background: [Background] = []
  ) async throws {
    let port = try await start()
    let failure = await withTaskGroup(of: Event.self) { group -> BackgroundEnded? in
      for work in background {
        group.addTask { await ended(work) }
      }
      group.addTask { await .requested(termination.requested()) }
      health.set(.serving)
      logger.info("serving", metadata: ["port": "\(port)"])
      let event = await group.next()
      health.set(.notServing)
      health.endWatches()
      var failure: BackgroundEnded?
      switch event {
      case .requested(let reason):
        logger.info("stopping", metadata: ["reason": "\(reason?.rawValue ?? "cancelled")"])
      case .ended(let ended):
        logger.error("stopping", metadata: ["reason": "\(ended)"])
        failure = ended
      case nil: break
      }
      await drain(grace)
      group.cancelAll()
      return failure
    }
    if let failure { throw failure }
    logger.info("stopped")
  }

  /// Runs a server.
  ///
  /// - Throws: `RPCServer.StartError`, or ``BackgroundEnded``.
  package func run(_ server: RPCServer, background: [Background] = []) async throws {
    try await run(
      start: { try await server.start() }, drain: { await server.drain(grace: $0) },
      background: background)
  }

  /// Background work that ended although nobody asked it to.
  package struct BackgroundEnded: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  private enum Event: Sendable {
    case requested(Termination.Reason?)
    case ended(BackgroundEnded)
  }

  private func ended(_ work: Background) async -> Event {
    do {
      try await work.body()
      return .ended(BackgroundEnded(description: "\(work.name) ended by itself"))
    } catch {
      return .ended(BackgroundEnded(description: "\(work.name) failed: \(error)"))
    }
  }
}
