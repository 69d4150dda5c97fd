import Compression
import GoogleAPI
import RPCCore
import RPCTransport
import Testing

@Suite struct CompressionTests {
  private static func compressed(_ bytes: [UInt8], _ encoding: MessageEncoding) throws -> [UInt8] {
    try bytes.withUnsafeBytes { try encoding.compress($0) }
  }

  private static func framed(_ bytes: [UInt8]) -> [UInt8] {
    [1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
  }

  private static func answer(
    _ encoding: MessageEncoding, _ body: [UInt8], _ method: MethodDescriptor = EchoService.echo
  ) async throws -> RawPeer.Answer {
    var result = RawPeer.Answer()
    try await MalformedInputTests.withPeer { peer in
      try peer.begin()
      let id = try peer.request(
        MalformedInputTests.fields(
          [":path": method.path], adding: [("grpc-encoding", "\(encoding)")]), body)
      result = peer.answer(id)
    }
    return result
  }

  @Test("Bytes survive both formats", arguments: MessageEncoding.allCases, [0, 1, 100_000])
  func roundTrip(encoding: MessageEncoding, size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    let small = try Self.compressed(bytes, encoding)
    #expect(try small.withUnsafeBytes { try encoding.decompress($0, limit: size) } == bytes)
    for cut in [0, small.count / 2, small.count - 1] {
      #expect(throws: MessageEncoding.Failure.corrupt) {
        try Array(small[..<cut]).withUnsafeBytes { try encoding.decompress($0, limit: size) }
      }
    }
    #expect(throws: MessageEncoding.Failure.corrupt) {
      try (small + [0]).withUnsafeBytes { try encoding.decompress($0, limit: size) }
    }
  }

  @Test("A compressed request is answered, beside plain ones", arguments: MessageEncoding.allCases)
  func request(encoding: MessageEncoding) async throws {
    let plain = try MalformedInputTests.framed("hello")
    let body = Self.framed(try Self.compressed(Array(plain.dropFirst(5)), encoding))
    let unary = try await Self.answer(encoding, body)
    #expect(unary.grpcStatus == "0" && unary.data == plain)
    let stream = try await Self.answer(encoding, body + plain + body, StreamService.chat)
    let end = try MalformedInputTests.framed("end")
    #expect(stream.grpcStatus == "0" && stream.data == plain + plain + plain + end)
  }

  @Test(
    "Corrupt data is INTERNAL, a bomb RESOURCE_EXHAUSTED",
    arguments: [EchoService.echo, StreamService.chat])
  func refused(method: MethodDescriptor) async throws {
    let corrupt = try await Self.answer(.gzip, Self.framed([1, 2, 3]), method)
    #expect(corrupt.grpcStatus == "13")
    let bomb = try Self.compressed([UInt8](repeating: 0, count: 50_000_000), .gzip)
    let bombed = try await Self.answer(.gzip, Self.framed(bomb), method)
    #expect(bombed.grpcStatus == "8")
  }
}
