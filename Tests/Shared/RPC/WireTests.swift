import HTTP2
import RPCCore
import Testing

@testable import RPCTransport

@Suite struct WireTests {
  @Test(
    "grpc-timeout is read strictly and saturates",
    arguments: [
      ("1n", 1), ("5u", 5000), ("20m", 20_000_000), ("3S", 3_000_000_000),
      ("2M", 120_000_000_000), ("1H", 3_600_000_000_000), ("99999999H", UInt64.max),
      ("99999999S", 99_999_999_000_000_000), ("0S", 0), ("00000001S", 1_000_000_000),
      ("-1S", nil), ("", nil), ("S", nil), ("1", nil), ("1s", nil), ("123456789n", nil),
      ("1 S", nil), ("+1S", nil), ("1SS", nil), ("\u{661}S", nil),
    ] as [(String, UInt64?)])
  func timeouts(text: String, nanoseconds: UInt64?) {
    #expect(Timeout.parse(Array(text.utf8)) == nanoseconds)
  }

  @Test(
    "A timeout is written rounded up, in eight digits, never zero",
    arguments: [
      (0, "1n"), (1, "1n"), (99_999_999, "99999999n"), (100_000_001, "100001u"),
      (10_000_000_000_000, "10000000m"), (.max, "5124096H"),
    ] as [(UInt64, String)])
  func writtenTimeouts(nanoseconds: UInt64, text: String) {
    #expect(Timeout.format(nanoseconds) == text)
  }

  @Test("A written timeout is never shorter than the time")
  func roundTrip() {
    for _ in 0..<1000 {
      let time = UInt64.random(in: 1 ... .max / 2) >> UInt64.random(in: 0...60)
      let read = Timeout.parse(Array(Timeout.format(time).utf8))
      #expect(read.map { $0 >= time } == true)
    }
  }

  @Test(
    "grpc-message survives its encoding",
    arguments: [
      "", "plain", "100 %", "Zürich 東京", "a\nb\u{0}c", "%41", "~}|",
    ])
  func percent(_ text: String) {
    let encoded = PercentEncoding.encode(text, limit: 1024)
    #expect(encoded.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E })
    #expect(PercentEncoding.decode(encoded.utf8) == text)
  }

  @Test(
    "Bad percent encoding is taken as it is",
    arguments: [
      ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("a%20b", "a b"), ("%FF", "\u{FFFD}"),
      ("%e4%b8%ad", "中"),
    ])
  func badPercent(encoded: String, text: String) {
    #expect(PercentEncoding.decode(encoded.utf8) == text)
  }

  @Test("A long grpc-message is cut at a character", arguments: 0..<12)
  func cut(limit: Int) {
    let text = "aé東🙂b"
    let decoded = PercentEncoding.decode(PercentEncoding.encode(text, limit: limit).utf8)
    #expect(text.hasPrefix(decoded) && decoded.utf8.count <= limit)
  }

  @Test(
    "Base64 is written without padding and read with or without",
    arguments: [
      ([], "", ""), ([0], "AA", "AA=="), ([0, 1], "AAE", "AAE="), ([0, 1, 2], "AAEC", "AAEC"),
      ([255, 254, 253, 252], "//79/A", "//79/A=="),
    ] as [([UInt8], String, String)])
  func base64(bytes: [UInt8], text: String, padded: String) {
    #expect(Base64.encode(bytes) == text)
    #expect(Base64.decode(text.utf8) == bytes)
    #expect(Base64.decode(padded.utf8) == bytes)
  }

  @Test(
    "What is not base64 is refused",
    arguments: ["A", "AAAAA", "A=", "A===", "AA=", "A-_A", "AA A", "====", "=", "AAA=="])
  func badBase64(_ text: String) {
    #expect(Base64.decode(text.utf8) == nil)
  }

  @Test("Random bytes survive base64")
  func randomBase64() {
    for size in 0..<100 {
      let bytes = (0..<size).map { _ in UInt8.random(in: 0...255) }
      #expect(Base64.decode(Base64.encode(bytes).utf8) == bytes)
    }
  }

  @Test("What was received as metadata can be sent", arguments: ["-bin", "a-bin", "bin", "a"])
  func passedOn(_ name: String) throws {
    let received = try Self.metadata(name, "AAEC")
    let block = HTTP2HeaderBlock()
    try received.write(to: block, limit: 1000)
    #expect(try Self.metadata(name, try #require(block.first(name))) == received)
    #expect(received.binaryValues(name) == (name.hasSuffix("-bin") ? [[0, 1, 2]] : []))
  }

  private static func metadata(_ name: String, _ value: String) throws -> Metadata {
    var metadata = Metadata()
    var failure: RPCError?
    Array(name.utf8).withUnsafeBufferPointer { name in
      Array(value.utf8).withUnsafeBufferPointer { value in
        do throws(RPCError) {
          try metadata.appendReceived(name, value)
        } catch { failure = error }
      }
    }
    if let failure { throw failure }
    return metadata
  }

  @Test("The wheel fires every timer once, never early, at most two ticks late")
  func wheel() {
    final class Target: TimerTarget {
      var timerPosition: TimerPosition?
      let time: UInt64
      init(time: UInt64) { self.time = time }
      func timerFired() {}
    }
    let start: UInt64 = 1_000_000_000_000
    var wheel = TimerWheel(now: start)
    var open: [ObjectIdentifier: Target] = [:]
    for _ in 0..<2000 {
      let target = Target(time: start + .random(in: 0...20_000_000_000))
      wheel.set(target, at: target.time, now: start)
      if Bool.random() {
        wheel.cancel(target)
      } else {
        open[ObjectIdentifier(target)] = target
      }
    }
    #expect(wheel.count == open.count)
    var now = start
    while now < start + 21_000_000_000 {
      now += .random(in: 1...9_000_000)
      for fired in wheel.expired(now: now) {
        let target = open.removeValue(forKey: ObjectIdentifier(fired))
        #expect(target.map { $0.time <= now } == true)
      }
      let isLate = open.values.contains { $0.time + 2 * TimerWheel.tickNanoseconds < now }
      #expect(!isLate)
    }
    #expect(open.isEmpty && wheel.isEmpty)
  }

  @Test("Status details survive their encoding, and unknown ones are kept")
  func details() {
    let error = RPCError(
      .invalidArgument, reason: "BAD", "bad", metadata: ["a": "b"],
      fields: [FieldViolation(field: "lines[0].plan_id", description: "is missing")])
    let bytes = error.encodedDetails() ?? []
    #expect(RPCError.decodedDetails(bytes, code: .invalidArgument) == error.details)
    #expect(RPCError.decodedDetails(bytes, code: .notFound).isEmpty)
    #expect(RPCError.decodedDetails([255, 1, 2], code: .invalidArgument).isEmpty)
  }
}
