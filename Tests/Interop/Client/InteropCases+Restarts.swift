internal import Bootstrap
internal import Glibc
internal import InteropAPI
internal import Logging
internal import Synchronization

/// A case of our own, in which servers are restarted meanwhile.
extension InteropCases {
  private static let callers = 6

  /// Calls of every kind, none of which waits for readiness, until the input ends; says which
  /// servers answer. No call may fail.
  func rollingRestart() async throws {
    let termination = Termination(
      signals: false, lifeline: STDIN_FILENO, limit: .seconds(60),
      logger: Logger(label: "interop-client"))
    let progress = Progress()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        _ = await termination.requested()
        progress.end()
      }
      for caller in 0..<Self.callers {
        group.addTask {
          while !progress.isOver {
            let answer = try await client.unaryCall(
              SimpleRequest(responseSize: 1, fillServerID: true))
            progress.note(answer.serverID)
            switch caller % 3 {
            case 0: try await clientStreaming()
            case 1: try await serverStreaming()
            default: try await pingPong()
            }
          }
        }
      }
      // The first that fails ends the others.
      while try await group.next() != nil {}
    }
  }
}

/// Which servers have answered, and whether there is an end.
private final class Progress: Sendable {
  private let servers = Mutex(Set<String>())
  private let hasEnded = Atomic(false)

  var isOver: Bool { hasEnded.load(ordering: .relaxed) }
  func end() { hasEnded.store(true, ordering: .relaxed) }

  /// Prints a server's name when it answers first.
  func note(_ server: String) {
    guard servers.withLock({ $0.insert(server).inserted }) else { return }
    print(server)
    fflush(nil)
  }
}
