internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary

extension FileWriter {
  /// The methods of a service, the protocol to implement, its registration and the client.
  mutating func write(service: ServiceDescriptor) throws {
    try writeProtocol(service)
    writeMethods(service)
    try writeRegistration(service)
    try writeClient(service)
  }

  private mutating func writeProtocol(_ service: ServiceDescriptor) throws {
    gap()
    comment(service.sourceCodeInfoLocation, or: "\(service.fullName).")
    try block("package protocol \(service.name): Sendable {") { writer in
      for method in service.methods {
        writer.gap()
        writer.comment(method.sourceCodeInfoLocation)
        let (request, response) = try writer.types(of: method)
        let (parameters, result) = method.handlerShape(request, response)
        writer.line(
          "func \(escaped(method.swiftName))(\(parameters), context: ServerContext) async throws\(result)"
        )
      }
    }
  }

  private mutating func writeMethods(_ service: ServiceDescriptor) {
    gap()
    line("/// The methods of \(service.fullName).")
    block("package enum \(service.name)Methods {") { writer in
      for method in service.methods {
        writer.comment(method.sourceCodeInfoLocation)
        writer.line(
          "package static let \(escaped(method.swiftName)) = MethodDescriptor(service: \"\(service.fullName)\", name: \"\(method.name)\", kind: .\(method.kind), idempotency: .\(method.idempotency))"
        )
      }
      writer.line()
      writer.line("/// Every method, in the order of the proto.")
      let names = service.methods.map { escaped($0.swiftName) }.joined(separator: ", ")
      writer.line("package static let all: [MethodDescriptor] = [\(names)]")
    }
  }

  private mutating func writeRegistration(_ service: ServiceDescriptor) throws {
    gap()
    try block("extension ServiceRegistration {") { writer in
      writer.line("/// The methods of \(service.fullName), answered by `service`.")
      let label = lowerFirst(service.name)
      try writer.block("package init(\(label) service: some \(service.name)) {") { writer in
        try writer.block("self.init(name: \"\(service.fullName)\", methods: [", "])") { writer in
          for method in service.methods {
            let (request, response) = try writer.types(of: method)
            let descriptor = "\(service.name)Methods.\(escaped(method.swiftName))"
            if method.kind == "unary" {
              writer.write(unary: method, descriptor, request)
              continue
            }
            let (parameters, arguments, result) = method.closureShape(request, response)
            let head =
              "MethodHandler(\(method.kind): \(descriptor)) { (\(parameters), context: ServerContext) async throws -> \(result) in"
            writer.block(head, "},") { writer in
              writer.line(
                "try await service.\(escaped(method.swiftName))(\(arguments), context: context)")
            }
          }
        }
      }
    }
  }

  /// A unary method with its types in the open, since generic code would copy the messages by their
  /// run-time metadata, and as few asynchronous functions around the handler as there can be.
  private mutating func write(
    unary method: MethodDescriptor, _ descriptor: String, _ request: String
  ) {
    let answer = "service.\(escaped(method.swiftName))"
    let head = "MethodHandler(unary: \(descriptor)) { (calls: any UnaryCalls) async -> Void in"
    block(head, "},") { writer in
      writer.block("while let call = calls.next() {") { writer in
        writer.blocks("do {", "} catch {") { writer in
          writer.line("let request: \(request) = try call.decodeRequest()")
          writer.blocks("if call.isIntercepted {", "} else {") { writer in
            writer.block("try await call.intercept { context in") { writer in
              writer.line("try call.encode(try await \(answer)(request, context: context))")
            }
          } then: { writer in
            writer.line("try call.encode(try await \(answer)(request, context: call.context))")
          }
          writer.line("calls.succeed()")
        } then: { writer in
          writer.line("calls.fail(error)")
        }
      }
    }
  }

  private mutating func writeClient(_ service: ServiceDescriptor) throws {
    gap()
    line("/// Calls \(service.fullName).")
    try block("package struct \(service.name)Client: Sendable {") { writer in
      writer.line("private let channel: any ClientChannel")
      writer.line()
      writer.line("/// A client of the server that `channel` leads to.")
      writer.block("package init(channel: any ClientChannel) {") { writer in
        writer.line("self.channel = channel")
      }
      for method in service.methods {
        writer.gap()
        writer.comment(method.sourceCodeInfoLocation)
        let (request, response) = try writer.types(of: method)
        let descriptor = "\(service.name)Methods.\(escaped(method.swiftName))"
        let (signature, call) = method.clientShape(request, response, descriptor)
        writer.block("package func \(escaped(method.swiftName))\(signature) {") { writer in
          writer.line("try await channel.\(call)")
        }
      }
    }
  }

  private mutating func types(of method: MethodDescriptor) throws -> (String, String) {
    (
      try qualified(method.inputType.swiftPath, in: method.inputType.file),
      try qualified(method.outputType.swiftPath, in: method.outputType.file)
    )
  }
}

extension MethodDescriptor {
  fileprivate var swiftName: String { lowerFirst(name) }

  fileprivate var kind: String {
    switch (clientStreaming, serverStreaming) {
    case (false, false): "unary"
    case (true, false): "clientStreaming"
    case (false, true): "serverStreaming"
    case (true, true): "bidirectional"
    }
  }

  /// The case of `MethodDescriptor.Idempotency`.
  fileprivate var idempotency: String {
    switch options.idempotencyLevel {
    case .noSideEffects: "noSideEffects"
    case .idempotent: "idempotent"
    case .idempotencyUnknown: "unknown"
    }
  }

  /// The parameters and the result of the method that a service implements.
  fileprivate func handlerShape(_ request: String, _ response: String) -> (String, String) {
    let writer = "to writer: MessageWriter<\(response)>"
    return switch (clientStreaming, serverStreaming) {
    case (false, false): ("_ request: \(request)", " -> \(response)")
    case (true, false): ("_ requests: MessageReader<\(request)>", " -> \(response)")
    case (false, true): ("_ request: \(request), \(writer)", "")
    case (true, true): ("_ requests: MessageReader<\(request)>, \(writer)", "")
    }
  }

  /// The parameters of a streaming method's closure in a registration, what it passes on, and its result.
  fileprivate func closureShape(
    _ request: String, _ response: String
  ) -> (String, String, String) {
    let writer = "writer: MessageWriter<\(response)>"
    let reader = "requests: MessageReader<\(request)>"
    return switch (clientStreaming, serverStreaming) {
    case (_, false): (reader, "requests", response)
    case (false, true): ("request: \(request), \(writer)", "request, to: writer", "Void")
    case (true, true): ("\(reader), \(writer)", "requests, to: writer", "Void")
    }
  }

  /// The rest of a client method's declaration, and the call on the channel.
  fileprivate func clientShape(
    _ request: String, _ response: String, _ descriptor: String
  ) -> (String, String) {
    let options = "options: CallOptions = CallOptions()"
    let reader = "MessageReader<\(response)>"
    let writer = "MessageWriter<\(request)>"
    return switch (clientStreaming, serverStreaming) {
    case (false, false):
      (
        "(_ request: \(request), \(options)) async throws -> \(response)",
        "call(\(descriptor), request, options: options)"
      )
    case (true, false):
      (
        "(\(options), _ body: (\(writer)) async throws -> Void) async throws -> \(response)",
        "clientStreaming(\(descriptor), options: options, body)"
      )
    case (false, true):
      (
        "<Result>(_ request: \(request), \(options), _ body: (\(reader)) async throws -> Result) async throws -> Result",
        "serverStreaming(\(descriptor), request, options: options, body)"
      )
    case (true, true):
      (
        "<Result>(\(options), _ body: (\(reader), \(writer)) async throws -> Result) async throws -> Result",
        "bidirectional(\(descriptor), options: options, body)"
      )
    }
  }
}
