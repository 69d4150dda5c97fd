internal import Compression
internal import HTTP2
internal import RPCCore

/// What a client reads out of one header block of a response (gRPC over HTTP/2, "Responses").
struct ResponseHead {
  /// `:status`; nil in trailers.
  var httpStatus: Int?
  var isGRPC = false
  /// `grpc-status`; nil when absent or not a number of a known code.
  var status: StatusCode?
  var hasStatus = false
  var message = ""
  var details: [UInt8] = []
  /// `grpc-retry-pushback-ms`.
  var pushback: RetryPushback?
  /// A message encoding that is not known.
  var unknownEncoding: String?
  /// Nil for identity.
  var encoding: MessageEncoding?
  var metadata = Metadata()
  /// What made the block unusable.
  var failure: RPCError?

  init(_ headers: HTTP2HeaderBlock) {
    if headers.isOversized {
      failure = RPCError(.resourceExhausted, "the response's header list is too long")
    }
    for index in 0..<headers.count { unsafe read(headers.name(index), headers.value(index)) }
  }

  private mutating func read(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) {
    if unsafe matches(name, ":status") {
      httpStatus = unsafe Int(String(decoding: value, as: UTF8.self))
    } else if unsafe matches(name, "content-type") {
      isGRPC = unsafe isGRPCContentType(value)
    } else if unsafe matches(name, "grpc-status") {
      hasStatus = true
      status = unsafe Int(String(decoding: value, as: UTF8.self)).flatMap {
        StatusCode(rawValue: $0)
      }
    } else if unsafe matches(name, "grpc-message") {
      message = unsafe PercentEncoding.decode(value)
    } else if unsafe matches(name, "grpc-status-details-bin") {
      details = unsafe Base64.decode(value) ?? []
    } else if unsafe matches(name, "grpc-retry-pushback-ms") {
      pushback = unsafe RetryPushback(value)
    } else if unsafe matches(name, "grpc-encoding") {
      encoding = unsafe MessageEncoding(name: value)
      if encoding == nil, unsafe !matches(value, "identity") {
        unknownEncoding = unsafe PercentEncoding.decode(value)
      }
    } else if unsafe !hasPrefix(name, "grpc-"), unsafe !hasPrefix(name, ":") {
      do throws(RPCError) {
        unsafe try metadata.appendReceived(name, value)
      } catch {
        if failure == nil { failure = error }
      }
    }
  }

  /// True for the headers of a response whose body is messages.
  var isMessages: Bool { isGRPC && httpStatus == 200 }

  /// True for an interim response (RFC 9110, 15.2).
  var isInterim: Bool { httpStatus.map { (100..<200).contains($0) } ?? false }

  /// The status of the call that ends with this block; nil for OK.
  ///
  /// - Parameter initial: the block that began the response; the same one for Trailers-Only.
  func outcome(initial: ResponseHead) -> RPCError? {
    guard hasStatus else {
      let http = initial.httpStatus.map { "\($0)" } ?? "none"
      return RPCError(
        initial.statusByHTTP, "the response has no grpc-status; its HTTP status is \(http)",
        details: [], metadata: metadata)
    }
    guard status != .ok else { return nil }
    let code = status ?? .unknown
    return RPCError(
      code, message, details: RPCError.decodedDetails(details, code: code), metadata: metadata)
  }

  /// gRPC's table for responses without a grpc-status ("HTTP to gRPC Status Code Mapping").
  var statusByHTTP: StatusCode {
    switch httpStatus {
    case 400: .internalError
    case 401: .unauthenticated
    case 403: .permissionDenied
    case 404: .unimplemented
    case 429, 502, 503, 504: .unavailable
    default: .unknown
    }
  }
}

extension HTTP2ErrorCode {
  /// The status of a call whose stream was reset (gRPC over HTTP/2, "Errors").
  var status: StatusCode {
    switch self {
    case .refusedStream: .unavailable
    case .cancel: .cancelled
    case .enhanceYourCalm: .resourceExhausted
    case .inadequateSecurity: .permissionDenied
    default: .internalError
    }
  }
}
