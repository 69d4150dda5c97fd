/// The open streams of a session, in no order. A stream knows its place, so that it is added and
/// removed in constant time.
struct HTTP2StreamTable {
  private var streams: ContiguousArray<HTTP2Stream> = []

  var count: Int { streams.count }

  mutating func add(_ stream: HTTP2Stream) {
    stream.slot = streams.count
    streams.append(stream)
  }

  /// Takes out a stream that is in the table.
  mutating func remove(_ stream: HTTP2Stream) {
    guard let last = streams.popLast(), last !== stream else { return }
    last.slot = stream.slot
    streams[stream.slot] = last
  }

  /// Visits the streams that are there now, any of which may be removed meanwhile.
  func forEach(_ body: (HTTP2Stream) -> Void) {
    for stream in streams { body(stream) }
  }
}
