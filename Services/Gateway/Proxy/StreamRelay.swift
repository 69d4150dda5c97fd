internal import RPCCore

/// Passes the messages of one streaming call both ways, none of which waits here: a side that does
/// not read holds the other one's writer back.
struct StreamRelay: Sendable {
  /// The gateway's end of the client's call.
  let client: any RawMessageStream
  /// Its end of the internal call.
  let inside: any RawMessageStream
  /// What the internal call answers besides messages.
  let response: ClientResponse

  /// Runs until the internal call has ended; throws its status when it is not OK.
  func run(_ context: ServerContext) async throws {
    try await withThrowingTaskGroup(of: RPCError?.self) { group in
      group.addTask { await passRequests() }
      do {
        try await passAnswers(context)
        group.cancelAll()
      } catch {
        group.cancelAll()
        while let failure = try await group.next() {
          if let failure { throw failure }
        }
        throw error
      }
    }
  }

  /// Passes what the client sends; returns what is wrong on its side, after ending the internal
  /// call.
  private func passRequests() async -> RPCError? {
    do {
      while let message = try await client.receive() {
        try await inside.send(message.bytes, compress: true)
      }
      await inside.finishSending()
    } catch let error as RPCError {
      inside.cancel()
      return error
    } catch {
      // The call is over: the other direction knows how.
    }
    return nil
  }

  private func passAnswers(_ context: ServerContext) async throws {
    if let metadata = try await response.waitForInitialMetadata() {
      context.response.initialMetadata = ForwardedMetadata.answer(metadata)
      await client.sendHeaders()
    }
    while let message = try await inside.receive() {
      try await client.send(message.bytes, compress: true)
    }
  }
}
