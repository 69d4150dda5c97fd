internal import RPCCore
internal import Synchronization

/// Lets identical requests share calls: while one call is under way, everybody who asks for the
/// same gathers for the next, which is one call for all of them.
///
/// Nobody joins a call that was begun before they asked. An answer therefore never predates its
/// question, which is what "takes effect on the next request" needs (ORG-4). Under load a key costs
/// one call at a time, however many wait.
package final class RequestCoalescer<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  /// What a waiting request is told.
  private enum Turn {
    /// To make the call, for itself and for those that ride along.
    case lead
    /// The answer of the call that it rode along with.
    case answered(Value)
  }

  private struct Waiter {
    let ticket: UInt64
    let continuation: CheckedContinuation<Turn, any Error>
  }

  /// A key with a call under way.
  private struct Lane {
    /// Who gets the present call's answer, besides its leader.
    var riding: [Waiter] = []
    /// Who came after it was begun.
    var gathering: [Waiter] = []
  }

  private struct State {
    var lanes: [Key: Lane] = [:]
    var lastTicket: UInt64 = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// Runs `call`, or shares the run of another request with the same key.
  ///
  /// A failure reaches everybody who shares the call, except where it is the leader's own
  /// (cancelled, or out of time): then the next one makes the call anew.
  package func value(for key: Key, _ call: () async throws -> Value) async throws -> Value {
    switch try await turn(for: key) {
    case .answered(let value):
      return value
    case .lead:
      do {
        let value = try await call()
        conclude(key, .success(value))
        return value
      } catch {
        conclude(key, .failure(error))
        throw error
      }
    }
  }

  /// How many wait for the key's next call, for tests.
  func waiting(for key: Key) -> Int {
    state.withLock { $0.lanes[key]?.gathering.count ?? 0 }
  }

  /// Whether nothing is under way, for tests.
  var isIdle: Bool { state.withLock { $0.lanes.isEmpty } }

  private func turn(for key: Key) async throws -> Turn {
    let ticket: UInt64? = state.withLock { state in
      guard state.lanes[key] != nil else {
        state.lanes[key] = Lane()
        return nil
      }
      state.lastTicket += 1
      return state.lastTicket
    }
    guard let ticket else { return .lead }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let waits = state.withLock { state in
          // The call may have ended since the ticket was drawn.
          guard state.lanes[key] != nil else {
            state.lanes[key] = Lane()
            return false
          }
          state.lanes[key]?.gathering.append(Waiter(ticket: ticket, continuation: continuation))
          return true
        }
        if !waits {
          continuation.resume(returning: .lead)
        } else if Task.isCancelled {
          // The handler below may have run before there was anything to withdraw.
          withdraw(ticket, key)
        }
      }
    } onCancel: {
      withdraw(ticket, key)
    }
  }

  private func withdraw(_ ticket: UInt64, _ key: Key) {
    let waiter: Waiter? = state.withLock { state in
      guard var lane = state.lanes.removeValue(forKey: key) else { return nil }
      defer { state.lanes[key] = lane }
      if let index = lane.gathering.firstIndex(where: { $0.ticket == ticket }) {
        return lane.gathering.remove(at: index)
      }
      if let index = lane.riding.firstIndex(where: { $0.ticket == ticket }) {
        return lane.riding.remove(at: index)
      }
      return nil
    }
    waiter?.continuation.resume(throwing: CancellationError())
  }

  /// Hands the outcome to those that rode along and the lead to the next.
  private func conclude(_ key: Key, _ outcome: Result<Value, any Error>) {
    let isLeadersOwn = outcome.isLeadersOwnFailure
    let (answered, leader): ([Waiter], Waiter?) = state.withLock { state in
      guard var lane = state.lanes.removeValue(forKey: key) else { return ([], nil) }
      var next = lane.gathering
      var answered = lane.riding
      if isLeadersOwn {
        next = answered + next
        answered = []
      }
      guard !next.isEmpty else { return (answered, nil) }
      let leader = next.removeFirst()
      lane.riding = next
      lane.gathering = []
      state.lanes[key] = lane
      return (answered, leader)
    }
    leader?.continuation.resume(returning: .lead)
    for waiter in answered { waiter.continuation.resume(with: outcome.map { .answered($0) }) }
  }
}

extension Result where Failure == any Error {
  /// Whether only the task that made the call failed: it was cancelled or its time was up.
  fileprivate var isLeadersOwnFailure: Bool {
    guard case .failure(let error) = self else { return false }
    if error is CancellationError { return true }
    guard let error = error as? RPCError else { return false }
    return error.code == .cancelled || error.code == .deadlineExceeded
  }
}
