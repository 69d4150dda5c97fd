internal import Compression
internal import HTTP2
internal import Logging
internal import RPCCore

/// What an answer carries besides its messages.
extension ServerConnection {
  /// Compresses a unary answer, if its handler asks for it and the caller takes it.
  func compress(_ call: ServerCall) throws(RPCError) {
    guard let encoding = encoding(of: call) else { return }
    call.buffer.fill(unsafe try encoding.compressed(call.buffer.message), isCompressed: true)
  }

  /// How the messages of an answer are sent; nil for plain.
  func encoding(of call: ServerCall) -> MessageEncoding? {
    guard let encoding = MessageEncoding(call.response.compression),
      call.accepted.contains(encoding)
    else { return nil }
    return encoding
  }

  /// The headers of an answer that has messages.
  ///
  /// - Parameter metadata: initial metadata before that of the call's response.
  func responseHeaders(_ call: ServerCall, adding metadata: Metadata? = nil) -> HTTP2HeaderBlock {
    if call.response.isPlain, metadata?.isEmpty != false { return loop.responseHeaders }
    let headers = block(":status", "200")
    if let encoding = encoding(of: call) { headers.append("grpc-encoding", encoding.name) }
    if let metadata { write(metadata, to: headers, call) }
    write(call.response.begin().initialMetadata, to: headers, call)
    return headers
  }

  /// The last block of an answer that has headers.
  ///
  /// - Parameter metadata: trailing metadata before that of the call's response.
  func trailers(
    _ call: ServerCall, _ error: RPCError?, adding metadata: Metadata? = nil
  ) -> HTTP2HeaderBlock {
    if error == nil, call.response.isPlain, metadata?.isEmpty != false {
      return loop.successTrailers
    }
    let trailers = HTTP2HeaderBlock()
    if let error { writeStatus(error, to: trailers) } else { trailers.append("grpc-status", "0") }
    if let metadata { write(metadata, to: trailers, call) }
    if !call.response.isPlain {
      write(call.response.trailingMetadata, to: trailers, call)
      if call.response.isLate { notSent("the headers were changed when they were out", call) }
    }
    if let error { write(error.metadata, to: trailers, call) }
    return trailers
  }

  /// Adds what can be sent; the rest is logged.
  func write(_ metadata: Metadata, to headers: HTTP2HeaderBlock, _ call: ServerCall?) {
    for entry in metadata.entries {
      do throws(RPCError) {
        try entry.write(to: headers, limit: limits.http2.maximumHeaderListBytes)
      } catch {
        notSent(error.message, call)
      }
    }
  }

  private func notSent(_ reason: String, _ call: ServerCall?) {
    core.logger.error(
      "metadata not sent",
      metadata: ["method": "\(call?.context.method.path ?? "")", "error": "\(reason)"])
  }
}
