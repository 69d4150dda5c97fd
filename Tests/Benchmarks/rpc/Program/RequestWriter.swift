/// Frames the requests of gRPC calls by hand (RFC 9113, RFC 7541), as a client with a warm HPACK
/// table does: the first call names its headers, the others refer to them.
struct RequestWriter {
  private var nextStream: UInt32 = 1

  /// The client's preface: windows so large that none has to be opened again.
  static let preface: [UInt8] =
    Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    + frame(type: 4, flags: 0, stream: 0, [0, 4, 0x7F, 0xFF, 0xFF, 0xFF])
    + frame(type: 8, flags: 0, stream: 0, [0x7F, 0xFE, 0, 0])

  static let settingsAcknowledgement = frame(type: 4, flags: 1, stream: 0, [])

  /// The requests of some calls, each a HEADERS and a DATA frame.
  mutating func requests(
    _ count: Int, of method: CallsInMemory.Method, _ message: [UInt8]
  ) -> [UInt8] {
    let size = UInt32(message.count)
    let data =
      [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> UInt32($0)) } + message
    var bytes: [UInt8] = []
    for _ in 0..<count {
      let headers = nextStream == 1 ? Self.firstHeaders(method) : Self.laterHeaders
      bytes += Self.frame(type: 1, flags: 4, stream: nextStream, headers)
      bytes += Self.frame(type: 0, flags: 1, stream: nextStream, data)
      nextStream += 2
    }
    return bytes
  }

  private static func firstHeaders(_ method: CallsInMemory.Method) -> [UInt8] {
    let name =
      switch method {
      case .echo: "Echo"
      case .later: "EchoLater"
      case .list: "List"
      case .count: "Count"
      }
    // :method POST and :scheme https of the static table; the rest goes into the dynamic one.
    return [0x83, 0x87, 0x44] + text("/kontor.benchmark.v1.EchoService/\(name)")
      + [0x41] + text("localhost:7100") + [0x5F] + text("application/grpc")
      + [0x40] + text("te") + text("trailers") + [0x7A] + text("grpc-benchmark/1.0")
  }

  /// What `firstHeaders` put into the dynamic table, the oldest at the highest index.
  private static let laterHeaders: [UInt8] = [0x83, 0x87, 0xC2, 0xC1, 0xC0, 0xBF, 0xBE]

  private static func text(_ text: String) -> [UInt8] {
    [UInt8(truncatingIfNeeded: text.utf8.count)] + Array(text.utf8)
  }

  private static func frame(
    type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]
  ) -> [UInt8] {
    let size = UInt32(payload.count)
    return [16, 8, 0].map { UInt8(truncatingIfNeeded: size >> UInt32($0)) } + [type, flags]
      + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> UInt32($0)) } + payload
  }
}
