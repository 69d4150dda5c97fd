internal import ServiceStorage
internal import Synchronization

/// Wakes the relay, which is made after what it delivers for.
final class RelayWaker: Sendable {
  private let relay = Mutex<OutboxRelay?>(nil)

  func set(_ relay: OutboxRelay) {
    self.relay.withLock { $0 = relay }
  }

  func wake() {
    relay.withLock { $0 }?.wake()
  }
}
