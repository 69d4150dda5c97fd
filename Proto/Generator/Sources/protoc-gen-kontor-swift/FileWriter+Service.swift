internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary

extension FileWriter {
  /// The methods of a service, the protocol of its unary ones, their registration and the client.
  ///
  /// Streaming methods have a descriptor only; RPCCore has no form for their handlers yet.
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
      for method in service.unaryMethods {
        writer.gap()
        writer.comment(method.sourceCodeInfoLocation)
        let (request, response) = try writer.types(of: method)
        writer.line(
          "func \(escaped(method.swiftName))(_ request: \(request), context: ServerContext) async throws -> \(response)"
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
          "package static let \(escaped(method.swiftName)) = MethodDescriptor(service: \"\(service.fullName)\", name: \"\(method.name)\", kind: .\(method.kind), isReadOnly: \(method.options.idempotencyLevel == .noSideEffects))"
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
      writer.line("/// The unary methods of \(service.fullName), answered by `service`.")
      let label = lowerFirst(service.name)
      try writer.block("package init(\(label) service: some \(service.name)) {") { writer in
        try writer.block("self.init(name: \"\(service.fullName)\", methods: [", "])") { writer in
          for method in service.unaryMethods {
            let (request, response) = try writer.types(of: method)
            let descriptor = "\(service.name)Methods.\(escaped(method.swiftName))"
            let head =
              "MethodHandler(unary: \(descriptor)) { (request: \(request), context: ServerContext) async throws -> \(response) in"
            writer.block(head, "},") { writer in
              writer.line(
                "try await service.\(escaped(method.swiftName))(request, context: context)")
            }
          }
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
      for method in service.unaryMethods {
        writer.gap()
        writer.comment(method.sourceCodeInfoLocation)
        let (request, response) = try writer.types(of: method)
        let head =
          "package func \(escaped(method.swiftName))(_ request: \(request), options: CallOptions = CallOptions()) async throws -> \(response) {"
        writer.block(head) { writer in
          writer.line(
            "try await channel.call(\(service.name)Methods.\(escaped(method.swiftName)), request, options: options)"
          )
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

extension ServiceDescriptor {
  fileprivate var unaryMethods: [MethodDescriptor] {
    methods.filter { !$0.clientStreaming && !$0.serverStreaming }
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
}
