/// Every bound of an HTTP/2 session, with its unit in its name.
package struct HTTP2Limits: Sendable {
  /// SETTINGS_MAX_CONCURRENT_STREAMS that we announce (RFC 9113, 6.5.2).
  package var maximumConcurrentStreams: UInt32 = 100
  /// A header list beyond this (Σ name + value + 32) is reported as oversized; its call is refused.
  package var maximumHeaderListBytes = 16 * 1024
  /// A header list beyond this ends the session.
  package var fatalHeaderListBytes = 64 * 1024
  /// Fields of one header list beyond which it is reported as oversized.
  package var maximumHeaderFields = 200
  /// SETTINGS_INITIAL_WINDOW_SIZE that we announce, per stream.
  package var streamWindowBytes: Int32 = 1024 * 1024
  /// The receive window of the connection.
  package var connectionWindowBytes: Int32 = 4 * 1024 * 1024
  /// Bytes queued for sending on all streams beyond which nothing more is accepted.
  package var maximumQueuedBytes = 32 * 1024 * 1024
  /// RST_STREAM frames that a peer may send at once (CVE-2023-44487).
  package var resetBurstFrames = 1000
  /// RST_STREAM frames per second that a peer may send for long.
  package var resetFramesPerSecond = 33
  /// Invalid frames, and RST_STREAM frames that a peer makes us send, at once (CVE-2025-8671).
  package var faultBurstFrames = 200
  /// The same for long, per second.
  package var faultFramesPerSecond = 20
  /// Frames without progress (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA) at once.
  package var idleBurstFrames = 4000
  /// The same for long, per second.
  package var idleFramesPerSecond = 500
  /// Frames without progress earned by each HEADERS and each DATA frame with content.
  package var idleFramesPerProgress = 4
  /// Bytes of DATA that we sent and that earn one frame without progress.
  package var sentBytesPerIdleFrame = 1024
  /// Answers to PING and SETTINGS that may wait to be sent.
  package var maximumQueuedAcknowledgements = 500
  /// Entries of one SETTINGS frame.
  package var maximumSettingsEntries = 32

  package init() {}
}
