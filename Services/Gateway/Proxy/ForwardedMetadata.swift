internal import RPCCore

/// What crosses the gateway besides messages.
package enum ForwardedMetadata {
  /// The request metadata that is passed on as it came. Everything else is dropped, so that nobody
  /// outside can claim to be a service, a user or an address.
  package static let requestNames: Set<String> = [
    "authorization", "accept-language", "traceparent", "tracestate",
  ]

  /// Starts of the names of answer metadata that stay inside.
  static let internalPrefixes = ["x-kontor-", "x-internal-", "x-forwarded-", "grpc-"]

  /// The metadata of the internal call.
  static func request(
    _ context: ServerContext, from address: ClientAddress, _ limits: GatewayLimits
  ) -> Metadata {
    var metadata = Metadata()
    for entry in context.metadata.entries where requestNames.contains(entry.name) {
      if entry.name == "accept-language", case .text(let text) = entry.value,
        text.utf8.count > limits.acceptLanguageBytes
      {
        continue
      }
      metadata.append(entry)
    }
    if let traceparent = context.traceparent {
      metadata.set(ServerContext.traceHeader, traceparent)
    }
    metadata.set(ServerContext.correlationHeader, context.correlationID)
    if !address.text.isEmpty { metadata.set(ServerContext.clientAddressHeader, address.text) }
    return metadata
  }

  /// The metadata of an answer for the client: the backend's without what is internal.
  static func answer(_ metadata: Metadata) -> Metadata {
    var metadata = metadata
    metadata.removeAll { entry in
      entry.name == ServerContext.correlationHeader
        || internalPrefixes.contains { entry.name.hasPrefix($0) }
    }
    return metadata
  }

  /// The trailing metadata of an answer for the client.
  static func trailers(_ metadata: Metadata, _ context: ServerContext) -> Metadata {
    var metadata = answer(metadata)
    metadata.append(ServerContext.correlationHeader, context.correlationID)
    return metadata
  }
}
