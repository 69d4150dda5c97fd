internal import Dispatch
internal import Glibc
package import Logging
internal import Synchronization
internal import Threads

/// Tells when the process is to end, and when it is to look at its files again: by SIGTERM, by SIGINT (Ctrl-C) or, with a lifeline, by the
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
  /// One element for each SIGHUP since the last was taken; for one reader.
  package let hangUps: AsyncStream<Void>
  private let hangUpContinuation: AsyncStream<Void>.Continuation
  private let requests: AsyncStream<Reason>
  private let continuation: AsyncStream<Reason>.Continuation

  /// - Parameters:
  ///   - signals: whether SIGTERM and SIGINT are requests; one object in a process may watch them.
  ///   - hangUps: whether SIGHUP is one of ``hangUps``; else it ends the process, as it does by
  ///     default.
  ///   - lifeline: the reading end of a pipe whose end is a request, too. A parent that holds the
  ///     other end takes its children along however it dies.
  ///   - limit: how long the process may live on after the first request.
  package init(
    signals: Bool = true, hangUps watchesHangUps: Bool = false, lifeline: Int32?, limit: Duration,
    logger: Logger
  ) {
    self.logger = logger
    self.limit = limit
    (requests, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    (hangUps, hangUpContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    signal(SIGPIPE, SIG_IGN)
    if watchesHangUps { SignalPipe.shared.watch(SIGHUP) }
    if signals || lifeline != nil { watch(signals: signals, lifeline: lifeline) }
  }

  /// The termination of a configured service; it has `drain.grace` and ten seconds to end.
  package convenience init(_ configuration: ServiceConfiguration, logger: Logger) {
    self.init(
      hangUps: true, lifeline: configuration[.lifeline] ? STDIN_FILENO : nil,
      limit: configuration[.drainGrace] + .seconds(10), logger: logger)
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

  /// Waits on a thread of its own for signals and for the lifeline's end. (libdispatch's read
  /// sources have crashed where a pipe's other end closed while they were cancelled.)
  private func watch(signals: Bool, lifeline: Int32?) {
    if signals {
      SignalPipe.shared.watch(SIGTERM)
      SignalPipe.shared.watch(SIGINT)
    }
    let signalDescriptor = signals ? SignalPipe.shared.readEnd : -1
    do {
      try DedicatedThread.start(named: "termination") { [self] in
        var lifeline = lifeline
        while signals || lifeline != nil {
          // A negative descriptor is left out by poll.
          var watched = [
            pollfd(fd: signalDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: lifeline ?? -1, events: Int16(POLLIN), revents: 0),
          ]
          guard unsafe poll(&watched, nfds_t(watched.count), -1) > 0 else { continue }
          if watched[0].revents != 0 {
            for number in SignalPipe.shared.received() {
              switch number {
              case SIGHUP: hangUpContinuation.yield()
              case SIGINT: request(.interrupt)
              default: request(.terminate)
              }
            }
          }
          if let descriptor = lifeline, watched[1].revents != 0, hasEnded(descriptor) {
            lifeline = nil
            request(.parentGone)
          }
        }
      }
    } catch {
      preconditionFailure("a process has a thread to spare at its start: \(error)")
    }
  }

  /// Takes what a readable descriptor holds; true at its end.
  private func hasEnded(_ descriptor: Int32) -> Bool {
    unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      guard let address = buffer.baseAddress else { return false }
      let count = unsafe read(descriptor, address, buffer.count)
      return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)
    }
  }
}
