/// How much of a message from outside is accepted.
package struct MessageLimits: Sendable, Hashable {
  /// Bytes of the whole message on the wire.
  package var maximumBytes: Int

  /// Messages within messages; the outermost is at depth 1.
  package var maximumDepth: Int

  /// Values in the whole message: every field that is present, known or not, and every element
  /// of a packed list counts as one. Bounds the memory that a small input can claim.
  package var maximumElements: Int

  /// Limits of one kind of message.
  package init(
    maximumBytes: Int = 4 << 20, maximumDepth: Int = 32, maximumElements: Int = 100_000
  ) {
    self.maximumBytes = maximumBytes
    self.maximumDepth = maximumDepth
    self.maximumElements = maximumElements
  }

  /// 4 MiB, 32 levels, 100 000 values.
  package static let standard = MessageLimits()
}
