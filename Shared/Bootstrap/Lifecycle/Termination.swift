internal import Dispatch
internal import Glibc
package import Logging
internal import Synchronization

/// Tells when the process is to end: by SIGTERM, by SIGINT (Ctrl-C) or, with a lifeline, by the
/// parent's death.
///
/// The first request is handed to whoever waits, so that calls under way can finish; a second signal
/// ends the process at once, and so does `limit` after the first. Made at the start of
/// main.
package final class Termination: Sendable {
  /// What asked for the end.
  package enum Reason: String, Sendable, Hashable {
    case terminate = "SIGTERM"
    case interrupt = "SIGINT"
    case parentGone = "parent gone"
  }

  private let logger: Logger
  private let limit: Duration
  private let queue = DispatchQueue(label: "termination")
  private let isRequested = Mutex(false)
  private let requests: AsyncStream<Reason>
  private let continuation: AsyncStream<Reason>.Continuation
  private let sources = Mutex<[WatchedSource]>([])

  /// - Parameters:
  ///   - signals: whether SIGTERM and SIGINT are requests; one object in a process may watch them.
  ///   - lifeline: whether the end of standard input is a request, too. A parent that holds the
  ///     other end of the pipe takes its children along however it dies.
  ///   - limit: how long the process may live on after the first request.
  package init(signals: Bool = true, lifeline: Bool, limit: Duration, logger: Logger) {
    self.logger = logger
    self.limit = limit
    (requests, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    signal(SIGPIPE, SIG_IGN)
    if signals { watchSignals() }
    if lifeline { watchStandardInput() }
  }

  /// The termination of a configured service; it has `drain.grace` and ten seconds to end.
  package convenience init(_ configuration: ServiceConfiguration, logger: Logger) {
    self.init(
      lifeline: configuration[.lifeline], limit: configuration[.drainGrace] + .seconds(10),
      logger: logger)
  }

  /// Waits for the first request. To be called once; nil when the calling task is cancelled before.
  package func requested() async -> Reason? {
    for await reason in requests { return reason }
    return nil
  }

  /// Takes a request, as a signal would.
  package func request(_ reason: Reason) {
    let isFirst = isRequested.withLock { isRequested in
      defer { isRequested = true }
      return !isRequested
    }
    if isFirst {
      continuation.yield(reason)
      let components = limit.components
      queue.asyncAfter(deadline: .now() + .seconds(Int(components.seconds))) { [logger] in
        logger.error("not stopped in time; ending at once")
        _exit(1)
      }
    } else if reason != .parentGone {
      logger.warning("stopped by a second \(reason.rawValue)")
      _exit(1)
    }
  }

  private func watchSignals() {
    SignalPipe.shared.watch(SIGTERM)
    SignalPipe.shared.watch(SIGINT)
    let source = DispatchSource.makeReadSource(
      fileDescriptor: SignalPipe.shared.readEnd, queue: queue)
    watch(source) { [self] in
      for number in SignalPipe.shared.received() {
        request(number == SIGINT ? .interrupt : .terminate)
      }
    }
  }

  private func watchStandardInput() {
    let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: queue)
    let watched = WatchedSource(source)
    watch(source) { [self] in
      unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
        let count = unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count)
        guard count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) else { return }
        watched.source.cancel()
        request(.parentGone)
      }
    }
  }

  private func watch(_ source: any DispatchSourceProtocol, _ handler: @escaping () -> Void) {
    source.setEventHandler(handler: handler)
    let watched = WatchedSource(source)
    sources.withLock { $0.append(watched) }
    source.activate()
  }

  /// A source that is kept. Dispatch objects may be used from any thread; only their Swift types do
  /// not say so.
  private struct WatchedSource: @unchecked Sendable {
    let source: any DispatchSourceProtocol

    init(_ source: any DispatchSourceProtocol) {
      self.source = source
    }
  }
}
