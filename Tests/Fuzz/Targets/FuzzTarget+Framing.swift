import Compression
import RPCCore

@testable import RPCTransport

extension FuzzTarget {
  /// Length-prefixed messages, cut anywhere and compressed: one on a unary call, many on a stream.
  /// Byte 0 chooses the encoding, byte 1 the cut.
  static let framing = FuzzTarget(
    name: "framing", maximumBytes: 4096, seeds: { try FramingRun.seeds() },
    run: { bytes in
      var input = FuzzInput(bytes)
      let encoding = FramingRun.encodings[Int(input.byte()) % FramingRun.encodings.count]
      let cut = input.byte()
      try FramingRun.run(input.rest, encoding, cut: cut)
    })
}

private enum FramingRun {
  static let encodings: [MessageEncoding?] = [nil, .gzip, .deflate]
  static let limit = 3000

  /// What became of the bytes of one stream.
  struct Outcome: Equatable {
    var messages: [[UInt8]] = []
    var reason: String?
    var isComplete = false
  }

  static func run(
    _ bytes: UnsafeRawBufferPointer, _ encoding: MessageEncoding?, cut: UInt8
  ) throws {
    let whole = unary(bytes, encoding, cut: 0)
    let parts = unary(bytes, encoding, cut: cut)
    try check(whole == parts, "a message cut otherwise is another: \(whole), \(parts)")
    let stream = try self.stream(bytes, encoding, cut: 0)
    let streamParts = try self.stream(bytes, encoding, cut: cut)
    try check(stream == streamParts, "messages cut otherwise are others")
    if whole.reason == nil, whole.isComplete {
      try check(stream.messages == whole.messages, "a call and a stream read other messages")
    }
    for message in stream.messages + whole.messages {
      try check(message.count <= limit, "a message of \(message.count) bytes")
      let buffer = MessageBuffer()
      buffer.fill(message)
      let again = unary(buffer.framed, nil, cut: cut)
      try check(again.messages == [message], "a framed message is read as another")
    }
  }

  private static func unary(
    _ bytes: UnsafeRawBufferPointer, _ encoding: MessageEncoding?, cut: UInt8
  ) -> Outcome {
    var deframer = MessageDeframer(limit: limit, encoding: encoding)
    let buffer = MessageBuffer()
    var outcome = Outcome()
    do {
      try pieces(bytes, cut: cut) { try deframer.append($0, into: buffer) }
      outcome.isComplete = deframer.isComplete
      if deframer.isComplete {
        if deframer.isMessageCompressed { try deframer.decompress(in: buffer) }
        outcome.messages = [Array(buffer.message)]
      }
    } catch {
      outcome.reason = (error as? RPCError)?.reason ?? "\(error)"
    }
    return outcome
  }

  private static func stream(
    _ bytes: UnsafeRawBufferPointer, _ encoding: MessageEncoding?, cut: UInt8
  ) throws -> Outcome {
    var received = ReceivedBytes(limit: limit)
    received.encoding = encoding
    var outcome = Outcome()
    var count = 0
    try pieces(bytes, cut: cut) { piece in
      guard outcome.reason == nil else { return }
      received.append(piece)
      count += piece.count
      try check(received.heldBytes <= count, "more bytes are held than came")
      do {
        while let message = try received.takeMessage() {
          outcome.messages.append(message.bytes)
        }
      } catch {
        outcome.reason = (error as? RPCError)?.reason ?? "\(error)"
      }
    }
    outcome.isComplete = outcome.reason == nil && received.isBetweenMessages
    if outcome.isComplete { try check(received.heldBytes == 0, "bytes are left over") }
    return outcome
  }

  static func seeds() throws -> [[UInt8]] {
    let text = Array("a text, a text, a text".utf8)
    var seeds: [[UInt8]] = [
      [0, 0] + HTTP2Frames.message(text), [0, 1] + HTTP2Frames.message([]),
      [0, 2] + HTTP2Frames.message([1]) + HTTP2Frames.message(text), [0, 3, 0, 0, 0],
      [0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0], [0, 5] + HTTP2Frames.message(text, flag: 1),
      [1, 6] + HTTP2Frames.message(text, flag: 1), [1, 7] + HTTP2Frames.message(text, flag: 2),
    ]
    for (index, encoding) in encodings.enumerated() {
      guard let encoding else { continue }
      let number = UInt8(index)
      for plain in [[], text, [UInt8](repeating: 0, count: 200_000)] {
        let bytes = try plain.withUnsafeBytes { try encoding.compress($0) }
        seeds.append([number, 0] + HTTP2Frames.message(bytes, flag: 1))
        seeds.append([number, 9] + HTTP2Frames.message(bytes + [0], flag: 1))
      }
    }
    return seeds
  }
}
