import NIOCore
import NIOPosix
import Testing

@testable import RPCTransport

extension TestServer {
  /// Moves the time of the server's event loops forward, channels on them included, and has
  /// everything on them look at the time.
  func advance(seconds: Int) async throws {
    for loop in group.makeIterator() {
      try await loop.submit {
        let context = LoopContext.current(loop)
        let before = context.now
        context.now = { before() &+ UInt64(seconds) * 1_000_000_000 }
        context.fireTimers()
        context.checkLimits()
      }.get()
    }
  }

  /// Moves the time forward step by step until something has come of it.
  ///
  /// Each step goes through every event loop, so that what is under way there gets on by it however
  /// slow the machine is: after some thousand steps it is in vain, and the test fails.
  func advance(
    seconds: Int, until isDone: () async -> Bool, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    for _ in 0..<5000 {
      if await isDone() { return }
      try await advance(seconds: seconds)
      await Task.yield()
    }
    try #require(await isDone(), "nothing has come of the time", sourceLocation: sourceLocation)
  }
}
