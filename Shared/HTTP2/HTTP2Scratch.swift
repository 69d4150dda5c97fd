/// Memory that the sessions of one event loop share: streams to use again, and nghttp2's own.
///
/// Not Sendable: confined to its event loop.
package final class HTTP2Scratch {
  /// Streams kept for later use, at most.
  private static let retainedStreams = 1024

  /// What nghttp2 allocates from.
  let memory = HTTP2Memory()
  private var streams: ContiguousArray<HTTP2Stream> = []

  package init() {}

  func takeStream() -> HTTP2Stream { streams.popLast() ?? HTTP2Stream() }

  func give(_ stream: consuming HTTP2Stream) {
    stream.reset()
    if streams.count < Self.retainedStreams { streams.append(stream) }
  }
}
