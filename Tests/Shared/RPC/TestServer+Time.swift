import NIOCore
import NIOPosix

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
}
