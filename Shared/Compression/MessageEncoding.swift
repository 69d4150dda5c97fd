private import CZlib

/// How gRPC compresses messages ("Compression"): the formats of zlib.
package enum MessageEncoding: Sendable, Hashable, CaseIterable {
  /// RFC 1952.
  case gzip
  /// RFC 1950, the zlib format.
  case deflate

  /// Why compressed bytes are refused.
  package enum Failure: Error, Sendable, Hashable {
    /// Not in the format, cut off, or followed by more.
    case corrupt
    /// More than the limit once decompressed.
    case tooLarge
    case outOfMemory
  }

  /// zlib's `windowBits`: 15, plus 16 for the gzip format.
  private var windowBits: Int32 {
    switch self {
    case .gzip: 31
    case .deflate: 15
    }
  }

  /// Decompresses one message; memory follows what comes out, not what is announced.
  ///
  /// - Parameter limit: bytes that may come out.
  package func decompress(
    _ bytes: UnsafeRawBufferPointer, limit: Int
  ) throws(Failure) -> [UInt8] {
    var stream = unsafe z_stream()
    guard unsafe kontor_inflate_begin(&stream, windowBits) == Z_OK else { throw .outOfMemory }
    defer { unsafe inflateEnd(&stream) }
    unsafe stream.next_in = unsafe Self.input(bytes)
    unsafe stream.avail_in = UInt32(clamping: bytes.count)
    var output: [UInt8] = []
    while true {
      let result = unsafe Self.step(&stream, &output) { unsafe inflate(&$0, Z_NO_FLUSH) }
      guard output.count <= limit else { throw .tooLarge }
      switch result {
      case Z_STREAM_END:
        guard unsafe stream.avail_in == 0 else { throw .corrupt }
        return output
      case Z_OK: continue
      case Z_MEM_ERROR: throw .outOfMemory
      default: throw .corrupt
      }
    }
  }

  /// Compresses one message.
  package func compress(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> [UInt8] {
    var stream = unsafe z_stream()
    guard unsafe kontor_deflate_begin(&stream, windowBits) == Z_OK else { throw .outOfMemory }
    defer { unsafe deflateEnd(&stream) }
    unsafe stream.next_in = unsafe Self.input(bytes)
    unsafe stream.avail_in = UInt32(clamping: bytes.count)
    var output: [UInt8] = []
    while true {
      switch unsafe Self.step(&stream, &output, { unsafe CZlib.deflate(&$0, Z_FINISH) }) {
      case Z_STREAM_END: return output
      case Z_OK: continue
      default: throw .outOfMemory
      }
    }
  }

  private static func input(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
    unsafe UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }

  /// Runs zlib once over a piece of room, and appends what came out.
  private static func step(
    _ stream: inout z_stream, _ output: inout [UInt8], _ body: (inout z_stream) -> Int32
  ) -> Int32 {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16 * 1024) { room in
      unsafe stream.next_out = room.baseAddress
      unsafe stream.avail_out = UInt32(room.count)
      let result = unsafe body(&stream)
      let count = unsafe room.count - Int(stream.avail_out)
      unsafe output.append(contentsOf: UnsafeMutableBufferPointer(rebasing: room[..<count]))
      return result
    }
  }
}
