internal import InteropAPI
internal import RPCCore

/// A case does not hold.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
}

/// - Throws: `Unexpected` when `condition` is false.
func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws(Unexpected) {
  guard condition else { throw Unexpected(description: "expected \(what())") }
}

/// The status of a call that fails; nil when it does not, or with something else than a status.
func failure(_ call: () async throws -> Void) async -> RPCError? {
  do {
    try await call()
    return nil
  } catch {
    return error as? RPCError
  }
}

/// Makes a call that must fail with a code.
func expectFailure(_ code: StatusCode, _ call: () async throws -> Void) async throws {
  let error = await failure(call)
  try expect(error?.code == code, "\(code), not \(String(describing: error))")
}

extension Payload {
  init(zeros size: Int) { self.init(body: [UInt8](repeating: 0, count: size)) }
}

/// An answer with a payload.
protocol WithPayload {
  var payload: Payload? { get }
}

extension SimpleResponse: WithPayload {}
extension StreamingOutputCallResponse: WithPayload {}

/// - Throws: `Unexpected` where there is no answer, or one of other bytes than `size` zeros.
func expect(_ answer: (some WithPayload)?, zeros size: Int) throws(Unexpected) {
  guard answer?.payload?.body != [UInt8](repeating: 0, count: size) else { return }
  let found = (answer?.payload?.body.count).map { "\($0) bytes" } ?? "nothing"
  throw Unexpected(description: "expected \(size) zeros, not \(found)")
}

extension SimpleRequest {
  static let largeResponse = 314_159

  static var large: SimpleRequest {
    SimpleRequest(responseSize: Int32(largeResponse), payload: Payload(zeros: 271_828))
  }
}

extension StreamingOutputCallRequest {
  /// Asks for one answer of a size.
  static func answering(_ responseSize: Int, to requestSize: Int) -> StreamingOutputCallRequest {
    StreamingOutputCallRequest(
      responseParameters: [ResponseParameters(size: Int32(responseSize))],
      payload: Payload(zeros: requestSize))
  }
}
