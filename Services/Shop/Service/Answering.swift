internal import RPCCore
internal import ShopDomain

/// Runs a handler's body and turns the domain's errors into statuses; every other error passes.
func answering<Response>(_ body: () throws -> Response) throws -> Response {
  do {
    return try body()
  } catch let error as ShopError {
    throw error.status
  }
}

/// Runs a handler's body and turns the domain's errors into statuses; every other error passes.
func answering<Response>(_ body: () async throws -> Response) async throws -> Response {
  do {
    return try await body()
  } catch let error as ShopError {
    throw error.status
  }
}
