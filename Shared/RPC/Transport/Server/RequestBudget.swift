/// Divides the memory that the large messages of one connection's requests may fill.
///
/// A message takes its whole size when its prefix is known, or waits; those that wait are served in
/// their order. So every message that has its share can be completed, whatever the others do, and
/// with the shares of those that end the next ones go on.
struct RequestBudget: Sendable, Hashable {
  private struct Waiting: Sendable, Hashable {
    let streamID: Int32
    let bytes: Int
  }

  /// Bytes that may be taken at once.
  let limit: Int
  private(set) var takenBytes = 0
  private var waiting: [Waiting] = []

  init(limit: Int) { self.limit = limit }

  var isIdle: Bool { takenBytes == 0 && waiting.isEmpty }

  /// Takes a share; false when the stream has to wait until `next` names it.
  mutating func take(_ bytes: Int, for streamID: Int32) -> Bool {
    guard waiting.isEmpty, hasRoom(bytes) else {
      waiting.append(Waiting(streamID: streamID, bytes: bytes))
      return false
    }
    takenBytes += bytes
    return true
  }

  /// Gives a share back.
  mutating func give(_ bytes: Int) { takenBytes -= bytes }

  /// A stream waits no longer.
  mutating func withdraw(_ streamID: Int32) { waiting.removeAll { $0.streamID == streamID } }

  /// The next stream that gets its share, and how large it is.
  mutating func next() -> (streamID: Int32, bytes: Int)? {
    guard let first = waiting.first, hasRoom(first.bytes) else { return nil }
    waiting.removeFirst()
    takenBytes += first.bytes
    return (first.streamID, first.bytes)
  }

  /// A message larger than the limit has its turn when it is alone.
  private func hasRoom(_ bytes: Int) -> Bool {
    takenBytes == 0 || bytes <= limit - takenBytes
  }
}
