package import GoogleAPI
internal import Messages

/// One entry of `google.rpc.Status.details`.
package enum StatusDetail: Sendable, Hashable {
  case errorInfo(ErrorInfo)
  case badRequest(BadRequest)
  case retryInfo(RetryInfo)
  /// A detail of a type that this runtime does not read, kept as it came.
  case other(AnyMessage)
}

extension StatusDetail {
  /// The prefix of the type URLs that are sent; on receipt only the name behind the last slash
  /// counts.
  private static let typePrefix = "type.googleapis.com/"

  /// Reads a detail; one of a known type that does not decode is kept as it came.
  init(_ message: AnyMessage) {
    let name = message.typeURL.utf8.split(separator: 0x2F).last.map { String(Substring($0)) }
    switch name {
    case ErrorInfo.fullName:
      self = (try? ErrorInfo(serialized: message.value)).map(Self.errorInfo) ?? .other(message)
    case BadRequest.fullName:
      self = (try? BadRequest(serialized: message.value)).map(Self.badRequest) ?? .other(message)
    case RetryInfo.fullName:
      self = (try? RetryInfo(serialized: message.value)).map(Self.retryInfo) ?? .other(message)
    default:
      self = .other(message)
    }
  }

  /// The detail as `google.protobuf.Any`.
  func packed() throws(MessageError) -> AnyMessage {
    switch self {
    case .errorInfo(let info): try Self.pack(info)
    case .badRequest(let request): try Self.pack(request)
    case .retryInfo(let info): try Self.pack(info)
    case .other(let message): message
    }
  }

  private static func pack<M: Message>(_ message: M) throws(MessageError) -> AnyMessage {
    AnyMessage(typeURL: typePrefix + M.fullName, value: try message.serialized())
  }
}

extension RPCError {
  /// The bytes of `grpc-status-details-bin`: a `google.rpc.Status` with the same code and message.
  ///
  /// Nil when there are no details, or when they do not encode (a NUL in a text): the status
  /// itself is then sent without them.
  package func encodedDetails() -> [UInt8]? {
    guard !details.isEmpty, let entries = try? details.map({ try $0.packed() }) else { return nil }
    let status = RPCStatus(
      code: Int32(truncatingIfNeeded: code.rawValue), message: message, details: entries)
    return try? status.serialized()
  }

  /// The details in `grpc-status-details-bin`; none when the bytes do not decode or name another
  /// code.
  package static func decodedDetails(_ bytes: [UInt8], code: StatusCode) -> [StatusDetail] {
    guard let status = try? RPCStatus(serialized: bytes), status.code == code.rawValue
    else { return [] }
    return status.details.map { StatusDetail($0) }
  }
}
