import GoogleAPI
import TestSupport
import TestingAPI

@testable import Messages

extension FuzzTarget {
  /// Every generated message: bytes 0 and 1 choose the type, byte 2 the limits.
  static let messages = FuzzTarget(
    name: "messages", maximumBytes: 1024,
    seeds: {
      MessageTypes.all.enumerated().map { index, type in
        [UInt8(index / 256), UInt8(index % 256), 0] + type.sample()
      }
    },
    run: { bytes in
      var input = FuzzInput(bytes)
      let index = Int(input.byte()) * 256 + Int(input.byte())
      let limits =
        input.byte() % 4 == 3
        ? MessageLimits(maximumBytes: 200, maximumDepth: 2, maximumElements: 10) : .standard
      try MessageTypes.all[index % MessageTypes.all.count].checkRoundTrip(input.rest, limits)
    })
}

extension Message {
  /// What the scan lets pass, protobuf-c takes; what was read is written and read again the same.
  static func checkRoundTrip(_ bytes: UnsafeRawBufferPointer, _ limits: MessageLimits) throws {
    let isScanned = (try? descriptor.scan(bytes, limits: limits)) != nil
    let arena = MessageArena(firstChunkBytes: 1024, maximumBytes: 1 << 20)
    let message: Self
    do {
      message = try Self(scanning: bytes, arena: arena, limits: limits)
    } catch {
      // A kilobyte that passed the scan fits into the arena.
      try check(!isScanned, "\(fullName) was scanned, but not read: \(error)")
      return
    }
    try check(isScanned, "\(fullName) was read without its scan")
    try check(bytes.count <= limits.maximumBytes, "\(bytes.count) bytes were read")
    let written = try message.serialized()
    let again = try Self(serialized: written)
    try check(try again.serialized() == written, "\(fullName) is written as something else")
    // A NaN differs from itself, but not in the same array.
    try check(
      again == message || "\(message)".contains("nan"),
      "\(fullName) is read as something else:\n\(message)\n\(again)")
    var packed: [UInt8] = []
    var room = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    defer { room.deallocate() }
    let count = try message.pack(arena: arena) { size in
      room = .allocate(byteCount: max(size, 1), alignment: 8)
      return room.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 8).unsafelyUnwrapped
    }
    try check(count <= room.count, "\(count) bytes were packed into room for \(room.count)")
    packed += room.prefix(count)
    try check(packed == written, "\(fullName) is packed in two ways")
    try check(arena.usedBytes <= 8, "the arena is not empty")
  }

  /// A message with a value in every field up to number 40, found by asking the decoder.
  static func sample() -> [UInt8] {
    grow { $0 }
  }

  /// - Parameter wrap: puts the fields of a nested message into the message.
  private static func grow(depth: Int = 1, _ wrap: ([UInt8]) -> [UInt8]) -> [UInt8] {
    var fields: [UInt8] = []
    for number in 1...40 {
      for (wireType, bytes) in sampleValues {
        let tag = self.tag(number, wireType)
        if isKnown(wrap(fields), wrap(fields + tag + bytes)) {
          fields += tag + bytes
          break
        }
        guard wireType == 2, depth < 4, isKnown(wrap(fields), wrap(fields + tag + [0])) else {
          continue
        }
        let nested = grow(depth: depth + 1) { inner in
          wrap(fields + tag + [UInt8(inner.count & 0x7F)] + inner)
        }
        fields += nested.count < 128 ? tag + [UInt8(nested.count)] + nested : tag + [0]
      }
    }
    return fields
  }

  /// Whether a field that was added is one of the type's: it is read and written again.
  private static func isKnown(_ before: [UInt8], _ after: [UInt8]) -> Bool {
    guard let written = written(after) else { return false }
    return written != self.written(before)
  }

  private static func written(_ bytes: [UInt8]) -> [UInt8]? {
    (try? Self(serialized: bytes)).flatMap { try? $0.serialized() }
  }

  private static func tag(_ number: Int, _ wireType: UInt8) -> [UInt8] {
    let tag = UInt8(truncatingIfNeeded: number << 3) | wireType
    return number < 16 ? [tag] : [tag | 0x80, UInt8(number >> 4)]
  }
}

/// A value of each wire type; a text's length is 1.
private let sampleValues: [(wireType: UInt8, bytes: [UInt8])] = [
  (0, [1]), (5, [1, 0, 0, 0]), (1, [1, 0, 0, 0, 0, 0, 0, 0]), (2, [1, 0x78]),
]
