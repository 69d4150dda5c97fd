package import Messages

/// The messages of the other side, in their order.
///
/// What is not read holds the sender back: at most a window of bytes waits in memory. One task at a
/// time iterates.
package struct MessageReader<Element: Message>: AsyncSequence, Sendable {
  package typealias Failure = any Error

  let stream: any RawMessageStream
  let limits: MessageLimits

  /// - Parameter limits: what a message may cost to decode.
  package init(_ stream: any RawMessageStream, limits: MessageLimits = .standard) {
    self.stream = stream
    self.limits = limits
  }

  package func makeAsyncIterator() -> Iterator { Iterator(reader: self) }

  /// Takes the next message; nil after the last one.
  ///
  /// - Throws: as `RawMessageStream.receive`; INTERNAL or RESOURCE_EXHAUSTED for a message that
  ///   does not decode.
  package func next() async throws -> Element? { try await receive()?.message }

  /// As `next`, with what is known about the message besides its content.
  package func receive() async throws -> ReceivedMessage<Element>? {
    guard let raw = try await stream.receive() else { return nil }
    do {
      return ReceivedMessage(
        message: try Element(serialized: raw.bytes, limits: limits), isCompressed: raw.isCompressed)
    } catch {
      throw error.rejection(of: Element.self)
    }
  }

  /// Takes the one message of a side that sends one, and its end.
  ///
  /// - Throws: UNIMPLEMENTED for none or more than one.
  func single() async throws -> ReceivedMessage<Element> {
    guard let message = try await receive() else {
      throw RPCError(
        .unimplemented, reason: "MESSAGE_MISSING", "a call of one message came without it")
    }
    guard try await stream.receive() == nil else {
      throw RPCError(
        .unimplemented, reason: "MESSAGE_NOT_EXPECTED", "more than one message in a call of one")
    }
    return message
  }

  package struct Iterator: AsyncIteratorProtocol {
    let reader: MessageReader

    package mutating func next() async throws -> Element? { try await reader.next() }

    package mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws -> Element? { try await reader.next() }
  }
}

/// A message of a streaming call.
package struct ReceivedMessage<Element: Message>: Sendable {
  package let message: Element
  /// True when it came compressed.
  package let isCompressed: Bool
}
