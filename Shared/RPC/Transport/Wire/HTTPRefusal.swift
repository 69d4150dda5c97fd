internal import HTTP2

/// The answer to a request that is not gRPC, for HTTP clients: a status and a line of text.
struct HTTPRefusal: Sendable {
  /// Why a request is not gRPC.
  enum Reason: Sendable, Hashable {
    /// Another method than POST.
    case method
    /// No content type of gRPC.
    case contentType
  }

  let reason: Reason
  /// False in an answer to HEAD (RFC 9110, 9.3.2).
  let hasContent: Bool

  var status: StaticString {
    switch reason {
    case .method: "405"
    case .contentType: "415"
    }
  }

  /// What an answer with content says.
  var text: StaticString {
    switch reason {
    case .method: "gRPC requests are POST\n"
    case .contentType: "gRPC requests have content type application/grpc\n"
    }
  }

  /// Adds the answer's headers to an empty list.
  func write(to headers: HTTP2HeaderBlock) {
    headers.append(":status", status)
    if reason == .method { headers.append("allow", "POST") }
    headers.append("content-type", "text/plain; charset=utf-8")
    headers.append("content-length", "\(text.utf8CodeUnitCount)")
  }
}
