package import RPCCore
package import SQLCore

extension RPCError {
  /// What a caller is told of a database's failure, or nil where it is INTERNAL: the runtime
  /// answers that one with a correlation id and logs the error.
  ///
  /// A constraint's failure that a service expects is translated by the service before.
  package init?(_ error: SQLError) {
    switch error.code {
    case .overloaded:
      self.init(
        .resourceExhausted, reason: "OVERLOADED", "too many calls wait; try again later")
    case .full:
      self.init(
        .resourceExhausted, reason: "STORAGE_FULL",
        "the service's storage is full; nothing was changed")
    case .outOfMemory:
      self.init(
        .resourceExhausted, reason: "OUT_OF_MEMORY",
        "the service is short of memory; nothing was changed; try again later")
    case .serialization:
      self.init(.aborted, reason: "CONFLICT", "the call collided with another one; try it again")
    case .busy:
      self.init(
        .unavailable, reason: "STORAGE_BUSY",
        "the service's storage did not answer in time; nothing was changed; try it again")
    case .connectionLost:
      self.init(
        .unavailable, reason: "STORAGE_UNAVAILABLE",
        "the service lost its storage; try it again with the same request_id")
    case .stopped, .closed, .cannotOpen:
      self.init(
        .unavailable, reason: "STORAGE_UNAVAILABLE", "the service takes no changes at the moment")
    default: return nil
    }
  }
}

/// Translates the database's failures that a handler lets through.
package struct StorageErrorInterceptor: ServerInterceptor {
  package init() {}

  package func intercept(
    _ context: ServerContext, proceed: (ServerContext) async throws -> Void
  ) async throws {
    do {
      try await proceed(context)
    } catch let error as SQLError {
      throw RPCError(error) ?? error
    }
  }
}
