private import CNGHTTP2

/// What the owner sends, and how it becomes frames.
extension HTTP2Session {
  /// A client's request; nil when the session takes no more.
  package func submitRequest(_ headers: HTTP2HeaderBlock, endStream: Bool) -> HTTP2Stream? {
    guard let session = unsafe session, failure == nil,
      unsafe nghttp2_session_check_request_allowed(session) != 0
    else { return nil }
    let adopted = unsafe adopt(id: 0)
    let stream = unsafe adopted.takeUnretainedValue()
    let pointer = unsafe adopted.toOpaque()
    let id = unsafe withFields(headers) { fields, count in
      if endStream {
        return unsafe nghttp2_submit_request(session, nil, fields, count, nil, pointer)
      }
      var provider = unsafe provider(pointer)
      return unsafe nghttp2_submit_request(session, nil, fields, count, &provider, pointer)
    }
    guard id > 0 else {
      release(stream)
      return nil
    }
    stream.id = id
    stream.sending = endStream ? .ended : .open
    return stream
  }

  /// A server's response headers; with `endStream` they are all of the response.
  package func submitHeaders(
    _ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock, endStream: Bool
  ) {
    guard let session = unsafe session, failure == nil, stream.sending == .idle else { return }
    stream.sending = endStream ? .ended : .open
    if let fields = unsafe headers.constantFields {
      unsafe submit(session, stream, fields, headers.count, endStream: endStream)
    } else {
      _ = unsafe withFields(headers) { fields, count in
        unsafe submit(session, stream, fields, count, endStream: endStream)
        return 0
      }
    }
  }

  private func submit(
    _ session: OpaquePointer, _ stream: HTTP2Stream, _ fields: UnsafePointer<nghttp2_nv>?,
    _ count: Int, endStream: Bool
  ) {
    guard !endStream else {
      unsafe nghttp2_submit_response(session, stream.id, fields, count, nil)
      return
    }
    var provider = unsafe provider(Unmanaged.passUnretained(stream).toOpaque())
    unsafe nghttp2_submit_response(session, stream.id, fields, count, &provider)
  }

  /// All of a server's response with one piece of DATA; false when the session's queue is full.
  ///
  /// - Parameters:
  ///   - headers: a constant list or one that may change after the call.
  ///   - trailers: must not change any more.
  @discardableResult
  package func submitResponse(
    _ stream: HTTP2Stream, _ headers: HTTP2HeaderBlock, _ bytes: UnsafeRawBufferPointer,
    _ trailers: HTTP2HeaderBlock
  ) -> Bool {
    guard failure == nil, stream.sending == .idle,
      bytes.count <= limits.maximumQueuedBytes - queuedBytes
    else { return false }
    submitHeaders(stream, headers, endStream: false)
    unsafe stream.queue.append(bytes)
    queuedBytes += bytes.count
    stream.sending = .ended
    stream.trailers = trailers
    return true
  }

  /// Queues DATA; false when the stream has ended or the session's queue is full.
  @discardableResult
  package func submitData(
    _ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer, endStream: Bool = false
  ) -> Bool {
    guard failure == nil, stream.sending == .open,
      bytes.count <= limits.maximumQueuedBytes - queuedBytes
    else { return false }
    unsafe stream.queue.append(bytes)
    queuedBytes += bytes.count
    if endStream { stream.sending = .ended }
    resume(stream)
    return true
  }

  /// Ends a stream with a header block after what is queued; the block must not change any more.
  package func submitTrailers(_ stream: HTTP2Stream, _ trailers: HTTP2HeaderBlock) {
    guard failure == nil, stream.sending == .open else { return }
    stream.sending = .ended
    stream.trailers = trailers
    resume(stream)
  }

  /// Ends a stream at once; what is queued on it is dropped.
  package func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    guard let session = unsafe session, failure == nil else { return }
    queuedBytes -= stream.queue.count
    stream.queue.removeAll()
    stream.sending = .ended
    unsafe nghttp2_submit_rst_stream(session, 0, stream.id, code.rawValue)
  }

  // MARK: Frames

  private func withFields(
    _ headers: HTTP2HeaderBlock, _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Int32
  ) -> Int32 {
    if let fields = unsafe headers.constantFields { return unsafe body(fields, headers.count) }
    return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: headers.count) {
      fields in
      for index in 0..<headers.count {
        unsafe fields.initializeElement(at: index, to: headers.field(index))
      }
      return unsafe body(fields.baseAddress.map { unsafe UnsafePointer($0) }, headers.count)
    }
  }

  private func provider(_ stream: UnsafeMutableRawPointer) -> nghttp2_data_provider {
    var source = unsafe nghttp2_data_source()
    unsafe source.ptr = unsafe stream
    return unsafe nghttp2_data_provider(source: source) { _, id, room, size, flags, source, owner in
      guard let pointer = unsafe source?.pointee.ptr, let room = unsafe room,
        let flags = unsafe flags, let owner = unsafe owner
      else {
        return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
      }
      return unsafe Unmanaged<HTTP2Session>.fromOpaque(owner)._withUnsafeGuaranteedRef { session in
        unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef { stream in
          unsafe session.provide(stream, room, size, flags)
        }
      }
    }
  }

  /// Moves queued bytes into a DATA frame.
  private func provide(
    _ stream: HTTP2Stream, _ room: UnsafeMutablePointer<UInt8>, _ size: Int,
    _ flags: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let count = unsafe stream.queue.move(to: room, limit: size)
    queuedBytes -= count
    sentBytes &+= count
    guard stream.queue.isEmpty else { return count }
    guard stream.sending == .ended else {
      if count > 0 {
        delegate.queueDrained(stream)
        return count
      }
      stream.isDeferred = true
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
    if let session = unsafe session, let trailers = stream.trailers.take() {
      unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      _ = unsafe withFields(trailers) { unsafe nghttp2_submit_trailer(session, stream.id, $0, $1) }
    }
    return count
  }
}
