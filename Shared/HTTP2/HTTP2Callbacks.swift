private import CNGHTTP2

/// What a session needs to know of a frame that nghttp2 accepted.
struct ReceivedFrame {
  enum Kind {
    case data
    case headers
    case reset
    case settings
    case ping(UInt64)
    case goAway(HTTP2GoAway)
    case windowUpdate
    case other
  }

  let kind: Kind
  let streamID: Int32
  let payloadSize: Int
  let endsStream: Bool
  let isAcknowledgement: Bool
}

extension ReceivedFrame {
  fileprivate init(_ pointer: UnsafePointer<nghttp2_frame>) {
    let header = unsafe pointer.pointee.hd
    kind =
      switch UInt32(header.type) {
      case NGHTTP2_DATA.rawValue: .data
      case NGHTTP2_HEADERS.rawValue: .headers
      case NGHTTP2_RST_STREAM.rawValue: .reset
      case NGHTTP2_SETTINGS.rawValue: .settings
      case NGHTTP2_PING.rawValue: unsafe .ping(Self.payload(pointer.pointee.ping))
      case NGHTTP2_GOAWAY.rawValue:
        unsafe .goAway(HTTP2GoAway(pointer.pointee.goaway))
      case NGHTTP2_WINDOW_UPDATE.rawValue: .windowUpdate
      default: .other
      }
    streamID = header.stream_id
    payloadSize = header.length
    endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    isAcknowledgement = header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
  }

  private static func payload(_ ping: nghttp2_ping) -> UInt64 {
    unsafe withUnsafeBytes(of: ping.opaque_data) { bytes in
      unsafe bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
  }
}

extension HTTP2GoAway {
  /// Debug data is for people: of what a peer sends, printable ASCII is kept, up to a limit.
  private static let debugDataBytes = 128

  fileprivate init(_ frame: nghttp2_goaway) {
    unsafe lastStreamID = frame.last_stream_id
    code = unsafe HTTP2ErrorCode(rawValue: frame.error_code)
    let bytes = unsafe UnsafeBufferPointer(
      start: frame.opaque_data,
      count: frame.opaque_data == nil ? 0 : min(frame.opaque_data_len, Self.debugDataBytes))
    debugData = unsafe String(
      decoding: bytes.filter { $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self)
  }
}

/// The callbacks of every session, made once.
///
/// `@unchecked Sendable`: never changed after it was made; nghttp2 copies them into a session.
@safe final class HTTP2Callbacks: @unchecked Sendable {
  static let shared = HTTP2Callbacks()
  let pointer: OpaquePointer?

  private init() {
    var callbacks: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks = unsafe callbacks
    else {
      unsafe pointer = nil
      return
    }
    unsafe pointer = unsafe callbacks
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, owner in
      guard let frame = unsafe frame,
        unsafe frame.pointee.hd.type == UInt8(NGHTTP2_HEADERS.rawValue)
      else { return 0 }
      let isRequest = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
      return unsafe with(owner) {
        unsafe $0.headersBegan(frame.pointee.hd.stream_id, isRequest: isRequest)
        return 0
      }
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, _, name, nameSize, value, valueSize, _, owner in
      unsafe with(owner) { unsafe $0.headerReceived(name, nameSize, value, valueSize) }
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, id, data, size, owner in
      unsafe with(owner) {
        unsafe $0.dataReceived(id, UnsafeRawBufferPointer(start: data, count: size))
        return 0
      }
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
      guard let frame = unsafe frame else { return 0 }
      return unsafe with(owner) { unsafe $0.frameReceived(ReceivedFrame(frame)) }
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) {
      _, _, _, owner in
      unsafe with(owner) { $0.fault() }
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
      guard let frame = unsafe frame else { return 0 }
      switch unsafe UInt32(frame.pointee.hd.type) {
      case NGHTTP2_RST_STREAM.rawValue:
        return unsafe with(owner) { unsafe $0.resetSent(frame.pointee.rst_stream.error_code) }
      case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
        let isEnd = unsafe frame.pointee.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        return unsafe with(owner) {
          unsafe $0.messageSent(frame.pointee.hd.stream_id, isEnd: isEnd)
          return 0
        }
      default:
        return 0
      }
    }
    unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) {
      _, frame, error, owner in
      guard let frame = unsafe frame,
        unsafe frame.pointee.hd.type == UInt8(NGHTTP2_HEADERS.rawValue),
        unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
      else { return 0 }
      return unsafe with(owner) {
        unsafe $0.requestNotSent(frame.pointee.hd.stream_id, error)
        return 0
      }
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
      _, id, code, owner in
      unsafe with(owner) {
        $0.streamClosed(id, code)
        return 0
      }
    }
  }
}

private func with(
  _ owner: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Int32
) -> Int32 {
  guard let owner = unsafe owner else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
  return unsafe Unmanaged<HTTP2Session>.fromOpaque(owner)._withUnsafeGuaranteedRef(body)
}
