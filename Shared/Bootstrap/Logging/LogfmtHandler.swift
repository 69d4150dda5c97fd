package import Logging
package import SharedDomain

/// Writes each event as one logfmt line to standard error, by a single write:
/// `ts=2026-01-31T08:00:00.123456Z level=info service=shop msg="order placed" order=0190…`.
///
/// Values that hold more than plain printing characters are quoted and escaped, so that an event is
/// one line whatever it carries. A line has at most ``LogLine/maximumBytes``, the size up to which a
/// write to a pipe is not mixed with others (POSIX, PIPE_BUF).
package struct LogfmtHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  package var logLevel: Logger.Level
  private let service: String
  private let now: @Sendable () -> Int64
  private let write: @Sendable ([UInt8]) -> Void

  /// - Parameters:
  ///   - service: the `service` of each line.
  ///   - now: the time of day in microseconds since 1970 UTC; never the movable clock.
  ///   - write: takes a whole line.
  package init(
    service: String, level: Logger.Level,
    now: @escaping @Sendable () -> Int64 = { systemMicroseconds() },
    write: @escaping @Sendable ([UInt8]) -> Void = { writeToStandardError($0) }
  ) {
    self.service = service
    self.logLevel = level
    self.now = now
    self.write = write
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var line = LogLine(microseconds: now(), level: event.level.rawValue, service: service)
    line.append("msg", event.message.description)
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let own = event.metadata { fields.merge(own) { $1 } }
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line.append(key, value.description)
    }
    if let error = event.error { line.append("error", String(describing: error)) }
    write(line.finished())
  }
}

extension Logger {
  /// The logger of a service: logfmt lines on standard error.
  package init(service: ServiceName, level: Logger.Level) {
    self.init(label: service.executable) { _ in
      LogfmtHandler(service: service.rawValue, level: level)
    }
  }

  /// The logger of a configured service, its level from `log.level`.
  package init(_ configuration: ServiceConfiguration) {
    let level = Logger.Level(rawValue: configuration[.logLevel]) ?? .info
    self.init(service: configuration.service, level: level)
  }
}
