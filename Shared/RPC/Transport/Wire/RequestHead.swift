internal import Compression
internal import HTTP2
internal import RPCCore

/// What a server reads out of a request's headers (gRPC over HTTP/2, "Requests").
struct RequestHead: ~Copyable {
  /// The method's index in the router; nil when the path is not ours.
  var method: Int?
  /// The path of a method that only the fallback may know.
  var unknownPath: String?
  /// Nanoseconds from `grpc-timeout`.
  var timeout: UInt64?
  /// Nil for identity.
  var encoding: MessageEncoding?
  /// How the answer may be compressed.
  var accepted = AcceptedEncodings()
  var correlationID: String?
  var traceparent: String?

  /// Why a request is not a call.
  enum Refusal: Error {
    /// Not gRPC.
    case http(HTTPRefusal)
    case rpc(RPCError)
  }

  /// Reads and checks a header list; nothing in it can trap.
  ///
  /// - Parameter metadata: takes the application's metadata in. It is filled in place: a value that
  ///   is moved here and on would be copied on the way.
  init(
    _ headers: HTTP2HeaderBlock, _ router: Router, into metadata: inout Metadata
  ) throws(Refusal) {
    guard !headers.isOversized else {
      throw .rpc(
        RPCError(
          .resourceExhausted, reason: "METADATA_TOO_LARGE", "the request's header list is too long")
      )
    }
    var isPost = false
    var isHead = false
    var hasTrailers = false
    var hasContentType = false
    var authority: UnsafeBufferPointer<UInt8>?
    var host: UnsafeBufferPointer<UInt8>?
    var failure: RPCError?
    var unknownEncoding: String?
    for index in 0..<headers.count {
      let name = unsafe headers.name(index)
      let value = unsafe headers.value(index)
      guard let first = unsafe name.first else { continue }
      switch first {
      case UInt8(ascii: ":"):
        if unsafe matches(name, ":method") {
          isPost = unsafe matches(value, "POST")
          isHead = unsafe !isPost && matches(value, "HEAD")
        } else if unsafe matches(name, ":path") {
          method = unsafe router.find(value)
          if method == nil { unknownPath = unsafe String(decoding: value, as: UTF8.self) }
        } else if unsafe matches(name, ":authority") {
          unsafe authority = unsafe value
        }
      case UInt8(ascii: "g") where unsafe hasPrefix(name, "grpc-"):
        if unsafe matches(name, "grpc-timeout") {
          timeout = unsafe Timeout.parse(value)
          if timeout == nil {
            failure = RPCError(
              .internalError, reason: "TIMEOUT_MALFORMED", "malformed grpc-timeout")
          }
        } else if unsafe matches(name, "grpc-accept-encoding") {
          unsafe accepted.add(value)
        } else if unsafe matches(name, "grpc-previous-rpc-attempts") {
          guard failure == nil else { continue }
          do throws(RPCError) { unsafe try metadata.appendReceived(name, value) } catch {
            failure = error
          }
        } else if unsafe matches(name, "grpc-encoding"), unsafe !matches(value, "identity") {
          encoding = unsafe MessageEncoding(name: value)
          guard encoding == nil else { continue }
          unknownEncoding = unsafe PercentEncoding.encode(
            String(decoding: value, as: UTF8.self), limit: 64)
        }
      case UInt8(ascii: "t") where unsafe matches(name, "te"):
        hasTrailers = unsafe isTrailers(value)
      case UInt8(ascii: "t") where unsafe matches(name, "traceparent"):
        if value.count <= 128, unsafe HeaderNames.isValidText(value) {
          traceparent = unsafe String(decoding: value, as: UTF8.self)
        }
      case UInt8(ascii: "c") where unsafe matches(name, "content-type"):
        hasContentType = unsafe isGRPCContentType(value)
      case UInt8(ascii: "c") where unsafe matches(name, "content-length"):
        break
      case UInt8(ascii: "h") where unsafe matches(name, "host"):
        unsafe host = unsafe value
      case UInt8(ascii: "x") where unsafe matches(name, "x-correlation-id"):
        if unsafe HeaderNames.isCorrelationID(value) {
          correlationID = unsafe String(decoding: value, as: UTF8.self)
        }
      default:
        guard failure == nil else { continue }
        do throws(RPCError) { unsafe try metadata.appendReceived(name, value) } catch {
          failure = error
        }
      }
    }
    guard isPost else { throw .http(HTTPRefusal(reason: .method, hasContent: !isHead)) }
    guard hasContentType else {
      throw .http(HTTPRefusal(reason: .contentType, hasContent: true))
    }
    guard hasTrailers else {
      throw .rpc(RPCError(.internalError, reason: "TE_MISSING", "the request has no te: trailers"))
    }
    if let host = unsafe host, let authority = unsafe authority,
      unsafe !host.elementsEqual(authority)
    {
      throw .rpc(
        RPCError(.internalError, reason: "AUTHORITY_AMBIGUOUS", "host and :authority differ"))
    }
    if let failure { throw .rpc(failure) }
    if let unknownEncoding {
      throw .rpc(
        RPCError(
          .unimplemented, reason: "ENCODING_UNKNOWN",
          "message encoding \(unknownEncoding) is not supported"))
    }
  }
}
