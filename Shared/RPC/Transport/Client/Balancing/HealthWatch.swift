internal import HTTP2
internal import HealthAPI
internal import NIOCore
internal import RPCCore

/// Asks the server of one connection whether it serves, for as long as the connection takes calls
/// (gRPC "Health Checking Protocol", client side; gRFC A17). Confined to its event loop.
final class HealthWatch {
  /// What the server says.
  enum Report: Sendable, Hashable {
    case serving
    case notServing(String)
  }

  private let task: Task<Void, Never>

  /// Begins to watch.
  ///
  /// - Parameters:
  ///   - service: the name asked about; empty for the server as a whole.
  ///   - report: called on the loop at every change, until `cancel`; a server that has no health
  ///     service counts as serving.
  init(
    of service: String, on connection: ClientConnection, of channel: LoopChannel,
    _ report: @escaping (Report) -> Void
  ) {
    let parts = LoopConfined(
      value: HealthWatchParts(connection: connection, channel: channel, report: report))
    task = Task(executorPreference: channel.loop.executor) { await watchHealth(service, parts) }
  }

  /// Ends the watch and its call.
  func cancel() { task.cancel() }
}

/// What a health watch works with, on its loop.
private struct HealthWatchParts {
  let connection: ClientConnection
  let channel: LoopChannel
  let report: (HealthWatch.Report) -> Void
}

/// Watches again and again, with back-off between the calls.
private func watchHealth(_ service: String, _ parts: LoopConfined<HealthWatchParts>) async {
  let client = HealthClient(channel: ConnectionChannel(parts: parts))
  let loop = parts.value.channel.loop.eventLoop
  let tell = { @Sendable (status: HealthWatch.Report) in
    loop.execute { parts.value.report(status) }
  }
  var failures = 0
  while !Task.isCancelled {
    var isAnswered = false
    do {
      try await client.watch(HealthCheckRequest(service: service)) { answers in
        while let answer = try await answers.next() {
          isAnswered = true
          guard answer.status != .serving else {
            tell(.serving)
            continue
          }
          tell(.notServing(answer.status.protoName ?? "unknown status"))
        }
      }
      tell(.notServing("the health service ended its answer"))
    } catch let error as RPCError where error.code == .unimplemented {
      return tell(.serving)
    } catch {
      guard !Task.isCancelled else { return }
      tell(.notServing("\(error)"))
    }
    failures = isAnswered ? 0 : failures + 1
    let channel = parts.value.channel
    let wait = channel.configuration.backoff.nanoseconds(
      after: max(failures - 1, 0), random: channel.loop.nextRandom())
    try? await Task.sleep(for: .nanoseconds(Int64(clamping: wait)))
  }
}

/// Calls on one connection, whatever the channel's policy says.
///
/// `@unchecked Sendable` through `LoopConfined`: used on the connection's loop only.
private struct ConnectionChannel: ClientChannel {
  let parts: LoopConfined<HealthWatchParts>

  func unary(
    _ method: MethodDescriptor, request: [UInt8], options: CallOptions
  ) async throws -> RawResponse {
    throw RPCError(.unimplemented, "only streams are opened on one connection")
  }

  func openStream(
    _ method: MethodDescriptor, options: CallOptions
  ) async throws -> any RawMessageStream {
    let connection = parts.value.connection
    let channel = parts.value.channel
    channel.loop.eventLoop.preconditionInEventLoop()
    let messages = MessageStream(role: .client, loop: channel.loop, limits: channel.limits)
    let call = ClientCall(
      method: method, messages: messages, options: options, boundTo: channel)
    guard connection.send(call) else {
      throw RPCError(.unavailable, "the connection takes no calls")
    }
    return messages
  }

  func close() async {}
}
