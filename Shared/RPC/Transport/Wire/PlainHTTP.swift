/// The answer to a client that speaks HTTP/1 without TLS, as a browser does with an address that
/// does not begin with `https`.
enum PlainHTTP {
  /// A whole answer, after which the connection ends.
  static let refusal =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    + "Content-Length: 50\r\nConnection: close\r\n\r\n"
    + "this port speaks gRPC, which is HTTP/2 within TLS\n"

  private static let methods: [StaticString] = [
    "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ",
  ]

  /// Whether the first bytes of a connection are a request of HTTP/1; TLS never begins so.
  static func isRequest(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let bytes = unsafe bytes.assumingMemoryBound(to: UInt8.self)
    return methods.contains { unsafe hasPrefix(bytes, $0) }
  }
}
