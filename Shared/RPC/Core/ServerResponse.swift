internal import Synchronization

/// What a handler says about its answer besides the messages: metadata and compression.
///
/// One per call, shared by all copies of the call's context, so that interceptors may add to it too.
/// May be used from any task; two tasks that change one property at the same time may lose a change.
package final class ServerResponse: Sendable {
  private struct State {
    var initialMetadata = Metadata()
    var trailingMetadata = Metadata()
    var compression = MessageCompression.identity
    var hasBegun = false
    var isLate = false
  }

  private let state = Mutex(State())
  /// False as long as nobody has asked for anything, which most calls do not.
  private let hasChanged = Atomic(false)

  package init() {}

  /// Sent before the first message, or with the status where there is none. Names and values as
  /// `Metadata` has them; what cannot be sent is left out and logged.
  ///
  /// What is set after the headers are out is not sent, and logged.
  package var initialMetadata: Metadata {
    get { state.withLock { $0.initialMetadata } }
    set { changeHeaders { $0.initialMetadata = newValue } }
  }

  /// Sent with the status, whatever it is; an error's own metadata follows it.
  package var trailingMetadata: Metadata {
    get { state.withLock { $0.trailingMetadata } }
    set {
      hasChanged.store(true, ordering: .relaxed)
      state.withLock { $0.trailingMetadata = newValue }
    }
  }

  /// How messages are sent; identity unless set before the first one. Nothing is compressed for a
  /// caller that does not accept it.
  package var compression: MessageCompression {
    get { state.withLock { $0.compression } }
    set { changeHeaders { $0.compression = newValue } }
  }

  private func changeHeaders(_ change: (inout State) -> Void) {
    hasChanged.store(true, ordering: .relaxed)
    state.withLock { state in
      if state.hasBegun { state.isLate = true }
      change(&state)
    }
  }

  // MARK: For transports

  /// True when the answer is its messages and nothing else.
  package var isPlain: Bool { !hasChanged.load(ordering: .relaxed) }

  /// True when the headers' part was changed after `begin`.
  package var isLate: Bool { state.withLock { $0.isLate } }

  /// What goes into the headers, which are about to be sent.
  package func begin() -> (initialMetadata: Metadata, compression: MessageCompression) {
    state.withLock { state in
      state.hasBegun = true
      return (state.initialMetadata, state.compression)
    }
  }

  /// Makes it as good as new, for another call.
  package func reset() {
    guard !isPlain || state.withLock({ $0.hasBegun }) else { return }
    state.withLock { $0 = State() }
    hasChanged.store(false, ordering: .relaxed)
  }
}
