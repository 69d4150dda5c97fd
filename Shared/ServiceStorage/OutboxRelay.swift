package import Logging
package import SQLCore
package import SharedDomain
internal import Synchronization

/// Delivers the outbox's messages: at least once, in order per aggregate, aggregates in parallel.
///
/// All state is in the tables, so a restart goes on where the last run ended. A message stays until
/// its handler has returned; a passing error is retried with back-off for as long as it takes, a
/// refusal (`INVALID_ARGUMENT`, `NOT_FOUND`, …) a few times, then the message becomes a dead letter
/// and the aggregate's next one follows. Handlers bound their own time (a call's timeout).
///
/// Where several replicas share the database, each claims an aggregate before it delivers. A replica
/// that dies leaves its claims to the others when they expire; one that takes longer than its claim
/// may deliver a message a second time, but not out of order.
package final class OutboxRelay: Sendable {
  /// Delivers one message. It may get the same message again and must make nothing twice; the
  /// message's id is the receiver's idempotency key.
  package typealias Handler = @Sendable (OutboxMessage) async throws -> Void

  package struct Configuration: Sendable {
    /// How many aggregates are delivered at once.
    package var concurrency = 16
    package var backOff = BackOff()
    /// After so many attempts a message that its receiver refuses is given up.
    package var attemptsBeforeDeadLetter = 8
    /// How long the relay rests at most: finds messages whose commit woke nobody.
    package var pollInterval = Duration.seconds(5)
    /// How long other replicas leave a claimed aggregate alone: longer than a handler takes.
    package var lease = Duration.seconds(30)
    /// How long `deliver` waits before it looks again at an aggregate that another replica holds.
    package var claimInterval = Duration.milliseconds(50)

    package init() {}
  }

  private let database: any Database
  private let clock: any WallClock
  private let logger: Logger
  private let handlers: [String: Handler]
  private let configuration: Configuration
  private let random: @Sendable () -> UInt64
  private let sleep: @Sendable (Duration) async throws -> Void
  /// This replica's name in claims.
  private let holder: String
  private let locks = AggregateLocks()
  private let signal = WakeSignal()
  private let state = Mutex(State())

  private struct State {
    /// Deliveries under way that `run` has begun.
    var deliveries = 0
    /// Whether the database refuses writes, so that nothing can be recorded any more.
    var isStopped = false
  }

  /// - Parameters:
  ///   - handlers: by topic.
  ///   - holder: this replica's name in claims, another one at every start.
  ///   - random: 64 random bits, for the jitter.
  ///   - sleep: how the relay rests; tests move the time themselves.
  package init(
    database: any Database, clock: any WallClock, logger: Logger, handlers: [String: Handler],
    configuration: Configuration = Configuration(),
    holder: String = "\(UInt64.random(in: 0...UInt64.max))",
    random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0...UInt64.max) },
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    precondition(configuration.concurrency > 0, "the relay delivers something")
    precondition(configuration.attemptsBeforeDeadLetter > 0, "a message is tried once at least")
    self.database = database
    self.clock = clock
    self.logger = logger
    self.handlers = handlers
    self.configuration = configuration
    self.random = random
    self.sleep = sleep
    self.holder = holder
  }

  /// Looks for messages now; called after each commit that appended one.
  package func wake() {
    signal.set()
  }

  /// Delivers until the task is cancelled or the database is closed; one run at a time.
  package func run() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled && !isStopped {
        do {
          let (aggregates, pause) = try await nextDeliveries()
          for aggregateID in aggregates {
            group.addTask { await self.deliverDue(aggregateID) }
          }
          await rest(pause)
        } catch {
          guard await survives(error) else { break }
        }
      }
      group.cancelAll()
    }
  }

  /// Delivers one message now, the aggregate's earlier ones before it, whatever their back-off, and
  /// returns when it has been delivered: a handler can answer with the finished state.
  ///
  /// Throws what the delivery threw (the relay tries again later), `DeadLetterError` when the
  /// message was given up before, and `CancellationError`.
  package func deliver(_ id: UniqueID) async throws {
    switch try await place(of: id) {
    case .gone: return
    case .dead(let lastError): throw DeadLetterError(id: id, lastError: lastError)
    case .waiting(let aggregateID):
      try await locks.acquire(aggregateID)
      defer {
        locks.release(aggregateID)
        wake()
      }
      try await deliver(id, of: aggregateID)
    }
  }

  private var claim: Outbox.Claim {
    Outbox.Claim(holder: holder, now: clock.now(), lease: configuration.lease)
  }
}

/// The loop.
extension OutboxRelay {
  /// Takes the aggregates that are to be delivered now, and tells how long to rest afterwards.
  private func nextDeliveries() async throws -> (aggregates: [String], pause: Duration) {
    let free = configuration.concurrency - state.withLock { $0.deliveries }
    guard free > 0 else { return ([], configuration.pollInterval) }
    let claim = claim
    let now = claim.now
    let far = now.advanced(by: configuration.backOff.longest)
    // Those under way are in the table still.
    let limit = free + locks.count
    let (due, next) = try await database.read { transaction in
      (
        try Outbox.due(claim, orAfter: far, limit: limit, in: transaction),
        try Outbox.nextAttempt(claim, in: transaction)
      )
    }
    var aggregates: [String] = []
    for head in due where aggregates.count < free {
      let aggregateID = head.message.aggregateID
      if locks.tryAcquire(aggregateID) { aggregates.append(aggregateID) }
    }
    if database.dialect.isShared && !aggregates.isEmpty {
      aggregates = try await taken(aggregates, claim)
    }
    state.withLock { $0.deliveries += aggregates.count }
    var pause = configuration.pollInterval
    if let next, next > now { pause = min(pause, next.since(now)) }
    return (aggregates, pause)
  }

  /// Those of the aggregates, which this task has acquired, that no other replica holds; the others
  /// are released.
  private func taken(_ aggregates: [String], _ claim: Outbox.Claim) async throws -> [String] {
    var taken: Set<String> = []
    defer {
      for aggregate in aggregates where !taken.contains(aggregate) { locks.release(aggregate) }
    }
    taken = try await database.write { transaction in
      try Outbox.take(aggregates, claim, in: transaction)
    }
    return aggregates.filter(taken.contains)
  }

  /// Waits for a signal, for no longer than the pause.
  private func rest(_ pause: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await self.sleep(pause)
          self.signal.set()
        } catch {}
      }
      await signal.wait()
      group.cancelAll()
    }
  }

  private var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Whether the error means that the database takes no writes any more, which ends the run.
  private func stops(_ error: any Error) -> Bool {
    let code = (error as? SQLError)?.code
    guard code == .closed || code == .stopped else { return false }
    state.withLock { $0.isStopped = true }
    return true
  }

  /// After an error of the database: whether to go on, which is after a rest.
  private func survives(_ error: any Error) async -> Bool {
    if stops(error) { return false }
    logger.error(
      "the outbox cannot be read", metadata: ["error": "\(DeliveryFailure.text(error))"])
    await rest(configuration.backOff.first)
    return true
  }

  /// Delivers an aggregate's messages, which this task has acquired, while they are due.
  private func deliverDue(_ aggregateID: String) async {
    defer {
      locks.release(aggregateID)
      state.withLock { $0.deliveries -= 1 }
      wake()
    }
    do {
      // The head may have changed since it was found.
      var head = try await head(of: aggregateID)
      while let current = head, isDue(current), !Task.isCancelled {
        switch try await attempt(current) {
        case .delivered(let next), .buried(_, let next): head = next
        case .failed: return
        }
      }
      if head != nil { await giveBack(aggregateID) }
    } catch {
      logger.error(
        "a delivery was not recorded",
        metadata: ["aggregate": "\(aggregateID)", "error": "\(DeliveryFailure.text(error))"])
      if !stops(error) { try? await sleep(configuration.backOff.first) }
    }
  }

  private func isDue(_ head: Outbox.Head) -> Bool {
    let now = clock.now()
    return head.nextAttemptAt <= now
      || head.nextAttemptAt > now.advanced(by: configuration.backOff.longest)
  }
}

/// One message.
extension OutboxRelay {
  private enum Outcome {
    case delivered(next: Outbox.Head?)
    case failed(any Error)
    case buried(any Error, next: Outbox.Head?)
  }

  private func place(of id: UniqueID) async throws -> Outbox.Place {
    try await database.read { transaction in try Outbox.place(of: id, in: transaction) }
  }

  private func head(of aggregateID: String) async throws -> Outbox.Head? {
    try await database.read { transaction in try Outbox.head(of: aggregateID, in: transaction) }
  }

  /// Delivers the messages up to the given one of an aggregate that this task has acquired.
  private func deliver(_ id: UniqueID, of aggregateID: String) async throws {
    while database.dialect.isShared, try await !isTaken(aggregateID) {
      // Another replica delivers, perhaps this very message.
      if try await place(of: id) != .waiting(aggregateID: aggregateID) { break }
      try await sleep(configuration.claimInterval)
    }
    // While this task waited its turn, the message may have been delivered.
    switch try await place(of: id) {
    case .gone: return
    case .dead(let lastError): throw DeadLetterError(id: id, lastError: lastError)
    case .waiting: break
    }
    var head = try await head(of: aggregateID)
    while let current = head {
      if Task.isCancelled {
        await giveBack(aggregateID)
        throw CancellationError()
      }
      let isLast = current.message.id == id
      switch try await attempt(current) {
      case .delivered(let next):
        if isLast {
          if next != nil { await giveBack(aggregateID) }
          return
        }
        head = next
      case .buried(let error, let next):
        if isLast {
          if next != nil { await giveBack(aggregateID) }
          throw error
        }
        head = next
      case .failed(let error): throw error
      }
    }
  }

  private func isTaken(_ aggregateID: String) async throws -> Bool {
    let claim = claim
    return try await !database.write { transaction in
      try Outbox.take([aggregateID], claim, in: transaction)
    }.isEmpty
  }

  /// Lets other replicas have the aggregate; where this fails, the claim expires.
  private func giveBack(_ aggregateID: String) async {
    guard database.dialect.isShared else { return }
    let holder = holder
    try? await database.write { transaction in
      try Outbox.release(aggregateID, heldBy: holder, in: transaction)
    }
  }

  /// Calls the handler once and records the outcome. Throws only when that cannot be recorded.
  private func attempt(_ head: Outbox.Head) async throws -> Outcome {
    let message = head.message
    do {
      guard let handler = handlers[message.topic] else {
        throw MissingHandlerError(topic: message.topic)
      }
      try await handler(message)
    } catch {
      // Nobody failed when this task was cancelled: the next attempt is due as before.
      if Task.isCancelled {
        await giveBack(message.aggregateID)
        return .failed(error)
      }
      return try await record(error, of: head)
    }
    let claim = database.dialect.isShared ? claim : nil
    let next = try await database.write { transaction in
      try Outbox.delivered(message, claim, in: transaction)
    }
    return .delivered(next: next)
  }

  private func record(_ error: any Error, of head: Outbox.Head) async throws -> Outcome {
    let message = head.message
    let attempts = head.attempts + 1
    let text = DeliveryFailure.text(error)
    let now = clock.now()
    var metadata: Logger.Metadata = [
      "topic": "\(message.topic)", "message": "\(message.id)", "attempts": "\(attempts)",
      "error": "\(text)",
    ]
    let isFinal =
      switch DeliveryFailure(error) {
      case .final: true
      case .refused: attempts >= configuration.attemptsBeforeDeadLetter
      case .passing: false
      }
    if isFinal {
      let claim = database.dialect.isShared ? claim : nil
      let next = try await database.write { transaction in
        try Outbox.buried(message, error: text, at: now, claim, in: transaction)
      }
      logger.error("a message was given up", metadata: metadata)
      return .buried(error, next: next)
    }
    let wait = configuration.backOff.wait(afterAttempts: attempts, random: random())
    let nextAttemptAt = now.advanced(by: wait)
    try await database.write { transaction in
      try Outbox.failed(message, error: text, nextAttemptAt: nextAttemptAt, in: transaction)
    }
    metadata["retry_in_ms"] = "\(wait / .milliseconds(1))"
    logger.warning("a message was not delivered", metadata: metadata)
    return .failed(error)
  }
}
