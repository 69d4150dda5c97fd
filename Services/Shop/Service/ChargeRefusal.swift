internal import GoogleAPI
internal import Messages
internal import RPCCore

/// Accounting's no, kept with the attempt so that whoever waits for it gets the same answer.
enum ChargeRefusal {
  /// Whether an error says that nothing was charged, nor will be by an earlier question: a refusal,
  /// or a question that accounting does not accept however often it comes. Of every other error
  /// the outcome is unknown.
  static func isFinal(_ error: RPCError) -> Bool {
    switch error.code {
    case .failedPrecondition, .invalidArgument: true
    default: false
    }
  }

  /// The bytes that are stored: a `google.rpc.Status` with its details.
  static func status(_ error: RPCError) -> [UInt8] {
    let told = error.code == .failedPrecondition ? error : notUnderstood
    if let bytes = told.encodedDetails() { return bytes }
    let plain = RPCStatus(
      code: Int32(truncatingIfNeeded: told.code.rawValue), message: told.message)
    return (try? plain.serialized()) ?? []
  }

  /// The error that stored bytes stand for.
  static func error(_ status: [UInt8]) -> RPCError {
    guard !status.isEmpty, let message = try? RPCStatus(serialized: status),
      let code = StatusCode(rawValue: Int(message.code)), code != .ok
    else {
      return RPCError(
        .failedPrecondition, reason: "CHARGE_REFUSED", "the order could not be charged")
    }
    return RPCError(
      code, message.message, details: RPCError.decodedDetails(status, code: code))
  }

  /// What the customer is told when the fault is ours.
  private static var notUnderstood: RPCError {
    RPCError(
      .internalError, reason: "CHARGE_NOT_UNDERSTOOD",
      "the order could not be charged for a fault of the service; nothing was taken")
  }
}
