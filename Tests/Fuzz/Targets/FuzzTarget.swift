import TestSupport

/// One decoder of bytes from outside, and what has to hold for every input.
struct FuzzTarget: Sendable {
  /// The name in commands and folders: `http2-server`.
  let name: String
  /// Longer inputs are not made, in bytes.
  let maximumBytes: Int
  /// Valid inputs to begin with.
  let seeds: @Sendable () throws -> [[UInt8]]
  /// Runs the decoder; throws ``Violation`` where something does not hold. The bytes are lent in
  /// a piece of exactly their size, so that the address sanitizer sees a read beyond them.
  let run: @Sendable (UnsafeRawBufferPointer) throws -> Void

  /// Every target.
  static let all: [FuzzTarget] = [
    .http2Server, .http2Client, .server, .client, .framing, .messages, .requestHead,
    .responseHead, .statusDetails, .accessToken, .pageToken, .values, .mail, .configuration,
    .catalogue,
  ]
}

/// Something that has to hold does not.
struct Violation: Error, CustomStringConvertible {
  let description: String
}

/// Throws ``Violation`` unless the condition holds.
func check(_ condition: Bool, _ message: @autoclosure () -> String) throws(Violation) {
  guard condition else { throw Violation(description: message()) }
}

/// An input taken apart from its front: a few bytes that choose how the decoder is driven, then
/// the bytes for the decoder.
struct FuzzInput {
  private(set) var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  /// The next byte; 0 at the end.
  mutating func byte() -> UInt8 {
    guard let first = rest.first else { return 0 }
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
    return first
  }

  /// The rest as text; bad UTF-8 is repaired.
  var text: String { String(decoding: rest, as: UTF8.self) }
}

/// Cuts bytes into pieces whose sizes follow from a number: 0 for one piece, 1 for pieces of one
/// byte, else sizes by chance from that seed.
func pieces(
  _ bytes: UnsafeRawBufferPointer, cut seed: UInt8, _ body: (UnsafeRawBufferPointer) throws -> Void
) rethrows {
  guard seed != 0 else { return try body(bytes) }
  var random = SplitMix(state: UInt64(seed))
  var rest = bytes
  while !rest.isEmpty {
    let size = seed == 1 ? 1 : Int.random(in: 1...40, using: &random)
    try body(UnsafeRawBufferPointer(rebasing: rest.prefix(size)))
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(size))
  }
}
