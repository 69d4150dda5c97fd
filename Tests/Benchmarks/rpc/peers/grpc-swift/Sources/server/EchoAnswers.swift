import GRPCCore

/// The answers that every server of the benchmark gives.
struct EchoAnswers: Kontor_Benchmark_V1_EchoService.SimpleServiceProtocol {
  func echo(request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    Self.answer(to: request)
  }

  func echoLater(request: EchoRequest, context: ServerContext) async throws -> EchoResponse {
    await Task.yield()
    return Self.answer(to: request)
  }

  func list(request: ListRequest, context: ServerContext) async throws -> ListResponse {
    Self.list(request.items)
  }

  func count(
    request: CountRequest, response: RPCWriter<EchoResponse>, context: ServerContext
  ) async throws {
    var answer = Self.answer(to: Messages.request)
    for number in 0..<request.messages {
      answer.count = number
      try await response.write(answer)
    }
  }

  static func answer(to request: EchoRequest) -> EchoResponse {
    var response = EchoResponse()
    response.id = request.id
    response.text = request.text
    response.count = request.count &+ 1
    response.timeUs = request.timeUs
    response.server = "benchmark-peer/0123456789-abcdef"
    return response
  }

  static func list(_ items: Int32) -> ListResponse {
    var response = ListResponse()
    response.items = (0..<items).map { number in
      var item = Item()
      item.id = "0190f5a0-7b5e-7c3a-9d61-3f0c5a8e1b2d"
      item.name = "Managed server, large"
      item.price.currencyCode = "CHF"
      item.price.minorUnits = 12_900 + Int64(number)
      item.createdUs = 1_700_000_000_000_000
      item.active = true
      return item
    }
    return response
  }
}
