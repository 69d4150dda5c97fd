/// Walks over the heads of a client's frames beside nghttp2, for what nghttp2 passes over without a
/// word: frames of no use, and frames on streams that the client itself has ended (RFC 9113, 5.1).
///
/// Only what the client said counts, not what we did: a client whose stream we have reset may not
/// know yet and goes on with it. Of streams that are reset and never ended by their client a bounded
/// number is remembered.
struct ClientFrames: Sendable, Hashable {
  /// What a caller has to know of a frame.
  enum Finding: Sendable, Hashable {
    /// PRIORITY or an unknown type.
    case idle
    case error(HTTP2Error)
  }

  private static let prefaceSize = 24
  private static let headSize = 9
  /// Streams remembered as begun and not ended, at most.
  private static let maximumStreams = 512

  /// Bytes to pass over: of the preface, or of a frame's payload.
  private var rest = Self.prefaceSize
  /// The bytes of a head that has begun, but for the last: size, type, flags, part of the id.
  private var head: UInt64 = 0
  private var headCount = 0
  /// The stream of a PRIORITY frame, and how many bytes of the one it depends on are to come.
  private var priorityID: UInt32 = 0
  private var dependency: UInt32 = 0
  private var dependencyRest = 0

  /// Streams that the client has begun and not ended, in their order.
  private var open: ContiguousArray<UInt32> = []
  private var highestID: UInt32 = 0
  /// True once the client has left an id out.
  private var hasGaps = false
  /// Up to this id it is not known whether a stream was ended.
  private var forgottenUpTo: UInt32 = 0

  /// Walks over bytes from a position to the next finding or to the end.
  ///
  /// - Returns: the position up to which nghttp2 may have the bytes before the finding counts.
  mutating func scan(
    _ bytes: UnsafeRawBufferPointer, from start: Int
  ) -> (end: Int, finding: Finding?) {
    var position = start
    while position < bytes.count {
      if dependencyRest > 0 {
        dependency = unsafe dependency << 8 | UInt32(bytes[position])
        position += 1
        rest -= 1
        dependencyRest -= 1
        // RFC 7540, 5.3.1; RFC 9113 says nothing about it any more.
        if dependencyRest == 0, dependency & 0x7FFF_FFFF == priorityID {
          return (
            position, .error(HTTP2Error(.protocolError, "stream \(priorityID) depends on itself"))
          )
        }
      } else if rest > 0 {
        let step = min(rest, bytes.count - position)
        position += step
        rest -= step
      } else {
        let begin = position
        if headCount == 0, bytes.count - position >= Self.headSize {
          let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
          head = UInt64(bigEndian: word)
          position += Self.headSize - 1
        } else {
          while headCount < Self.headSize - 1, position < bytes.count {
            head = unsafe head << 8 | UInt64(bytes[position])
            headCount += 1
            position += 1
          }
          guard position < bytes.count else { break }
        }
        let id = unsafe UInt32(truncatingIfNeeded: head << 8) | UInt32(bytes[position])
        position += 1
        headCount = 0
        rest = Int(truncatingIfNeeded: head >> 40)
        let finding = take(
          type: UInt8(truncatingIfNeeded: head >> 32), flags: UInt8(truncatingIfNeeded: head >> 24),
          id & 0x7FFF_FFFF)
        head = 0
        switch finding {
        case nil: break
        case .idle: return (position, .idle)
        case .error: return (begin, finding)
        }
      }
    }
    return (position, nil)
  }

  private mutating func take(type: UInt8, flags: UInt8, _ id: UInt32) -> Finding? {
    switch type {
    case 0, 1:
      // DATA, HEADERS; ids that cannot be a client's are nghttp2's to refuse.
      guard id & 1 == 1 else { return nil }
      return message(isHeaders: type == 1, isEnd: flags & 1 != 0, id)
    case 2:
      // PRIORITY
      guard id != 0 else { return .error(HTTP2Error(.protocolError, "PRIORITY on stream 0")) }
      if rest == 5 {
        priorityID = id
        dependency = 0
        dependencyRest = 4
      }
      return .idle
    case 3:
      // RST_STREAM
      end(id)
      return nil
    case 4...9: return nil
    default: return .idle
    }
  }

  private mutating func message(isHeaders: Bool, isEnd: Bool, _ id: UInt32) -> Finding? {
    if id > highestID {
      // DATA on a stream that has not begun is nghttp2's to refuse.
      guard isHeaders else { return nil }
      if id - highestID > (highestID == 0 ? 1 : 2) { hasGaps = true }
      highestID = id
      if !isEnd { begin(id) }
      return nil
    }
    guard open.last == id || id <= forgottenUpTo || index(of: id) != nil else {
      // A stream that was left out and one that has ended look the same.
      return .error(
        isHeaders && hasGaps
          ? HTTP2Error(.protocolError, "HEADERS on stream \(id) after stream \(highestID)")
          : HTTP2Error(
            .streamClosed, "\(isHeaders ? "HEADERS" : "DATA") on stream \(id), which has ended"))
    }
    if isEnd { end(id) }
    return nil
  }

  private mutating func begin(_ id: UInt32) {
    if open.count == Self.maximumStreams {
      let half = Self.maximumStreams / 2
      forgottenUpTo = open[half - 1]
      open.removeFirst(half)
    }
    open.append(id)
  }

  private mutating func end(_ id: UInt32) {
    if open.last == id {
      open.removeLast()
    } else if let index = index(of: id) {
      open.remove(at: index)
    }
  }

  private func index(of id: UInt32) -> Int? {
    var low = 0
    var high = open.count
    while low < high {
      let middle = (low + high) / 2
      if open[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < open.count && open[low] == id ? low : nil
  }
}
