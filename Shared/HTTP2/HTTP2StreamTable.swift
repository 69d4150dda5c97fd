/// The open streams of a session, in no order. A stream knows its place, so that it is added and
/// removed in constant time.
struct HTTP2StreamTable {
  private var streams: ContiguousArray<HTTP2Stream> = []

  var count: Int { streams.count }

  mutating func add(_ stream: consuming HTTP2Stream) {
    stream.slot = streams.count
    streams.append(stream)
  }

  /// Takes out the stream that knows this as its place.
  mutating func remove(at slot: Int) -> HTTP2Stream {
    var stream = streams.removeLast()
    guard slot < streams.count else { return stream }
    // The last one takes the place of the one that goes.
    stream.slot = slot
    swap(&stream, &streams[slot])
    return stream
  }

  /// Visits the streams that are there now, any of which may be removed meanwhile.
  func forEach(_ body: (HTTP2Stream) -> Void) {
    for stream in streams { body(stream) }
  }
}
