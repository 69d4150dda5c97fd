/// HTTP/2 frames as a peer that keeps no rule would write them (RFC 9113, 4.1).
enum HTTP2Frames {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let settings = frame(4, 0, 0, [])
  static let settingsAcknowledgement = frame(4, 1, 0, [])
  static let ping = frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
  static let endStream: UInt8 = 1
  static let endHeaders: UInt8 = 4

  static func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int32, _ payload: [UInt8]) -> [UInt8] {
    let size = UInt32(payload.count)
    let head: [UInt8] = [
      UInt8(truncatingIfNeeded: size >> 16), UInt8(truncatingIfNeeded: size >> 8),
      UInt8(truncatingIfNeeded: size), type, flags,
    ]
    return head + bigEndian(UInt32(bitPattern: stream)) + payload
  }

  static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  /// A header block of literals without indexing or Huffman coding (RFC 7541, 6.2.2), which bytes
  /// changed by chance do not break. Names and values have fewer than 127 bytes.
  static func literals(_ fields: [(String, String)]) -> [UInt8] {
    var block: [UInt8] = []
    for (name, value) in fields {
      block.append(0)
      block.append(UInt8(name.utf8.count))
      block += name.utf8
      block.append(UInt8(value.utf8.count))
      block += value.utf8
    }
    return block
  }

  static func headers(_ stream: Int32, _ fields: [(String, String)], end: Bool = false) -> [UInt8] {
    frame(1, endHeaders | (end ? endStream : 0), stream, literals(fields))
  }

  static func data(_ stream: Int32, _ bytes: [UInt8], end: Bool = false) -> [UInt8] {
    frame(0, end ? endStream : 0, stream, bytes)
  }

  static func reset(_ stream: Int32, _ code: UInt32) -> [UInt8] {
    frame(3, 0, stream, bigEndian(code))
  }

  static func windowUpdate(_ stream: Int32, _ increment: UInt32) -> [UInt8] {
    frame(8, 0, stream, bigEndian(increment))
  }

  static func goAway(_ last: Int32, _ code: UInt32) -> [UInt8] {
    frame(7, 0, 0, bigEndian(UInt32(bitPattern: last)) + bigEndian(code))
  }

  /// A message behind its gRPC prefix.
  static func message(_ bytes: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    [flag] + bigEndian(UInt32(bytes.count)) + bytes
  }

  /// The header list of a call.
  static func request(
    _ path: String, adding fields: [(String, String)] = []
  ) -> [(String, String)] {
    [
      (":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "server.test"),
      ("te", "trailers"), ("content-type", "application/grpc"),
    ] + fields
  }

  /// Walks over what one end sent: whole frames of the sizes and on the streams that the protocol
  /// has, nothing on a stream after its end.
  static func checkOutput(_ bytes: [UInt8], afterPreface hasPreface: Bool) throws(Violation) {
    var rest = bytes[...]
    if hasPreface {
      try check(rest.starts(with: preface), "a client begins with the preface")
      rest = rest.dropFirst(preface.count)
    }
    var ended: Set<UInt32> = []
    while !rest.isEmpty {
      let frame = Array(rest.prefix(9))
      try check(frame.count == 9, "the output ends inside a frame header")
      let size = Int(frame[0]) << 16 | Int(frame[1]) << 8 | Int(frame[2])
      try check(size <= 16_384 && rest.count >= 9 + size, "a frame of \(size) bytes")
      let stream = frame[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let type = frame[3]
      try check(type <= 9 && type != 5, "a frame of type \(type)")
      if type <= 1 {
        try check(stream != 0 && !ended.contains(stream), "stream \(stream) goes on after its end")
        if frame[4] & endStream != 0 { ended.insert(stream) }
      }
      rest = rest.dropFirst(9 + size)
    }
  }
}
