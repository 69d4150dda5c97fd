import Logging
import RPCCore
import Synchronization
import Testing

@testable import Bootstrap

/// Keeps the lines that a handler writes.
private final class Lines: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func logger(level: Logger.Level = .info) -> Logger {
    Logger(label: "test") { _ in
      LogfmtHandler(service: "shop", level: level, now: { 1_700_000_000_000_001 }) { bytes in
        self.lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
      }
    }
  }
}

@Suite("Log lines")
struct LoggingTests {
  @Test("an event is one line of logfmt with sorted fields")
  func line() {
    let lines = Lines()
    var logger = lines.logger()
    logger[metadataKey: "zone"] = "a b"
    logger.info("order placed", metadata: ["order": "42", "amount": "CHF 1.00"])
    #expect(
      lines.all == [
        "ts=2023-11-14T22:13:20.000001Z level=info service=shop msg=\"order placed\" "
          + "amount=\"CHF 1.00\" order=42 zone=\"a b\"\n"
      ])
  }

  @Test("events below the level are not written")
  func level() {
    let lines = Lines()
    let logger = lines.logger(level: .warning)
    logger.info("no")
    logger.warning("yes")
    #expect(lines.all.count == 1)
  }

  @Test(
    "nothing in a value breaks the line or forges a field",
    arguments: [
      ("a\nb", "\"a\\nb\""), ("a\r\tb", "\"a\\r\\tb\""), ("\u{1B}[31m", "\"\\u{1b}[31m\""),
      ("a=b", "\"a=b\""), ("say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""), ("", "\"\""),
      ("\u{202E}x", "\"\\u{202e}x\""), ("\u{85}", "\"\\u{85}\""), ("\u{2028}", "\"\\u{2028}\""),
      ("é", "\"é\""), ("\0", "\"\\u{0}\""), ("/a/b.c:1@x", "/a/b.c:1@x"),
    ])
  func escaping(_ value: String, _ written: String) {
    let lines = Lines()
    lines.logger().info("m", metadata: ["v": "\(value)"])
    #expect(lines.all.first?.hasSuffix(" msg=m v=\(written)\n") == true)
  }

  @Test("keys keep to plain characters")
  func keys() {
    let lines = Lines()
    lines.logger().info("m", metadata: ["a b\n=": "1"])
    #expect(lines.all.first?.hasSuffix(" msg=m a_b__=1\n") == true)
  }

  @Test("a line stays within the size of an atomic write and says that it was cut")
  func limit() {
    let lines = Lines()
    let long = String(repeating: "\u{1F600}", count: 5000)
    lines.logger().info(
      "\(long)",
      metadata: Logger.Metadata(
        uniqueKeysWithValues: (0..<100).map { ("k\($0)", .string(long)) }))
    let line = lines.all.first ?? ""
    #expect(line.utf8.count <= LogLine.maximumBytes)
    #expect(line.hasSuffix(" truncated=true\n"))
    #expect(line.contains("…\""))
    #expect(line.filter { $0 == "\n" }.count == 1)
  }

  @Test(
    "timestamps are RFC 3339 in UTC",
    arguments: [
      (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
      (951_827_696_789_012, "2000-02-29T12:34:56.789012Z"),
    ] as [(Int64, String)])
  func timestamps(_ microseconds: Int64, _ text: String) {
    #expect(timestamp(microseconds) == text)
  }

  @Test("a call is one debug line with method, peer, status and time; none at a higher level")
  func calls() async throws {
    let method = MethodDescriptor(
      service: "kontor.shop.v1.OrderService", name: "PlaceOrder", kind: .unary)
    let context = ServerContext(
      method: method, peer: Peer(certificateNames: ["kontor-gateway", "localhost"]),
      correlationID: "c1")
    let lines = Lines()
    try await CallLog(logger: lines.logger()).intercept(context) { _ in }
    #expect(lines.all.isEmpty)
    let log = CallLog(logger: lines.logger(level: .debug))
    try await log.intercept(context) { _ in }
    await #expect(throws: RPCError.self) {
      try await log.intercept(ServerContext(method: method)) { _ in
        throw RPCError(.notFound, "no such plan")
      }
    }
    let common = "method=kontor.shop.v1.OrderService/PlaceOrder ms="
    #expect(lines.all.count == 2)
    #expect(lines.all.first?.contains(" msg=call code=OK correlation=c1 \(common)") == true)
    #expect(lines.all.first?.hasSuffix(" peer=kontor-gateway\n") == true)
    #expect(lines.all.last?.contains(" code=NOT_FOUND correlation=none \(common)") == true)
    #expect(lines.all.last?.hasSuffix(" peer=-\n") == true)
  }
}
