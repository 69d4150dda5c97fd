import GoogleAPI
import RPCCore

@testable import HTTP2
@testable import RPCTransport

extension FuzzTarget {
  /// The header list of a request: a line `name: value` for each field.
  static let requestHead = FuzzTarget(
    name: "request-head", maximumBytes: 2048,
    seeds: {
      let call = HTTP2Frames.request("/kontor.fuzz.v1.EchoService/Echo")
      let lists: [[(String, String)]] = [
        call,
        call + [("grpc-timeout", "20m"), ("grpc-encoding", "gzip"), ("x-correlation-id", "a-1")],
        call + [("x-bytes-bin", "AAE=, AAEC"), ("x-text", "~ text"), ("traceparent", "00-0-1-00")],
        call + [("host", "server.test"), ("grpc-encoding", "br"), ("content-length", "5")],
        [(":method", "GET"), (":path", "/?a=b")],
      ]
      return lists.map(HeaderLines.text)
    },
    run: { try HeaderLines.readRequest($0) })

  /// A header block of a response, in the same form.
  static let responseHead = FuzzTarget(
    name: "response-head", maximumBytes: 2048,
    seeds: {
      let head = [(":status", "200"), ("content-type", "application/grpc+proto")]
      let error = RPCError(
        .invalidArgument, reason: "BAD", "bad", metadata: ["a": "b"],
        fields: [FieldViolation(field: "a", description: "is missing")])
      let details = Base64.encode(error.encodedDetails() ?? [])
      let lists: [[(String, String)]] = [
        head, head + [("grpc-encoding", "deflate"), ("x-a-bin", "AAE")],
        head + [("grpc-status", "0")], [(":status", "503"), ("content-type", "text/html")],
        [
          ("grpc-status", "3"), ("grpc-message", "b%C3%A4d 100%25"),
          ("grpc-status-details-bin", details),
        ],
        [("grpc-status", "99"), ("grpc-message", "%zz%")], [(":status", "100")],
      ]
      return lists.map(HeaderLines.text)
    },
    run: { try HeaderLines.readResponse($0) })

  /// `grpc-status-details-bin` behind a byte for the status.
  static let statusDetails = FuzzTarget(
    name: "status-details", maximumBytes: 1024,
    seeds: {
      let error = RPCError(
        .invalidArgument, reason: "BAD", "bad", metadata: ["a": "b", "c": ""],
        fields: [FieldViolation(field: "lines[0]", description: "is missing")])
      let retry = RPCError(
        .unavailable, "later",
        details: [
          .retryInfo(RetryInfo()), .other(AnyMessage(typeURL: "example.org/x", value: [1])),
        ])
      return [error, retry].map { [UInt8($0.code.rawValue)] + ($0.encodedDetails() ?? []) }
    },
    run: { bytes in
      var input = FuzzInput(bytes)
      guard let code = StatusCode(rawValue: Int(input.byte())) else { return }
      let details = RPCError.decodedDetails(Array(input.rest), code: code)
      guard !details.isEmpty else { return }
      let error = RPCError(code, "again", details: details)
      guard let encoded = error.encodedDetails() else {
        throw Violation(description: "decoded details do not encode: \(details)")
      }
      try check(
        RPCError.decodedDetails(encoded, code: code) == details,
        "details decode to others once encoded: \(details)")
    })
}

private enum HeaderLines {
  private static let router = Router([
    ServiceRegistration(
      name: "kontor.fuzz.v1.EchoService",
      methods: [
        MethodHandler(
          unary: MethodDescriptor(service: "kontor.fuzz.v1.EchoService", name: "Echo")
        ) { (request: AnyMessage, _: ServerContext) in request }
      ])
  ])

  static func text(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { Array("\($0.0): \($0.1)\n".utf8) }
  }

  private static func block(_ bytes: UnsafeRawBufferPointer) -> HTTP2HeaderBlock {
    let block = HTTP2HeaderBlock()
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
      let name = line.prefix(1) + line.dropFirst().prefix { $0 != UInt8(ascii: ":") }
      let value = line.dropFirst(name.count + 1).drop { $0 == 0x20 }
      Array(name).withUnsafeBufferPointer { name in
        Array(value).withUnsafeBufferPointer { value in
          block.append(name.baseAddress, name.count, value.baseAddress, value.count)
        }
      }
    }
    return block
  }

  static func readRequest(_ bytes: UnsafeRawBufferPointer) throws {
    let head: RequestHead
    var metadata = Metadata()
    do throws(RequestHead.Refusal) {
      head = try RequestHead(block(bytes), router, into: &metadata)
    } catch {
      return try checkRefusal(error)
    }
    try checkMetadata(metadata)
    if let id = head.correlationID {
      try check(HeaderNames.isCorrelationID(id.utf8), "the correlation id \(id)")
    }
    if let path = head.unknownPath, let method = MethodDescriptor(path: path) {
      try check(method.path == "/\(method.service)/\(method.name)", "the path \(path)")
    }
  }

  private static func checkRefusal(_ refusal: RequestHead.Refusal) throws(Violation) {
    switch refusal {
    case .http(let refusal):
      try check(["405", "415"].contains("\(refusal.status)"), "HTTP status \(refusal.status)")
    case .rpc(let error):
      let possible: [StatusCode] = [.internalError, .unimplemented, .resourceExhausted]
      try check(possible.contains(error.code), "the refusal \(error)")
      try check(error.encodedDetails() != nil, "a refusal's details do not encode: \(error)")
    }
  }

  static func readResponse(_ bytes: UnsafeRawBufferPointer) throws {
    let head = ResponseHead(block(bytes))
    if head.failure == nil { try checkMetadata(head.metadata) }
    if let error = head.outcome(initial: head) {
      try check(error.code != .ok, "an error with status OK")
      let encoded = PercentEncoding.encode(error.message, limit: .max)
      try check(
        PercentEncoding.decode(encoded.utf8) == error.message,
        "the message changes on its way: \(error.message)")
    } else {
      try check(head.hasStatus && head.status == .ok, "OK without a status that says so")
    }
  }

  /// What was received may be passed on, and is the same there.
  private static func checkMetadata(_ metadata: Metadata) throws {
    let sendable = Metadata(entries: metadata.entries.filter { !HeaderNames.isReserved($0.name) })
    let written = HTTP2HeaderBlock()
    do {
      try sendable.write(to: written, limit: .max)
    } catch {
      throw Violation(description: "received metadata cannot be sent: \(error)")
    }
    var again = Metadata()
    for index in 0..<written.count {
      try again.appendReceived(written.name(index), written.value(index))
    }
    try check(again == sendable, "metadata changes on its way: \(sendable), \(again)")
  }
}
