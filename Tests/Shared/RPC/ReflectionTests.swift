import RPCCore
import ReflectionAPI
import TestSupport
import Testing

@testable import Reflection

/// `descriptor.proto` as far as the tests write it.
private enum Descriptor {
  /// A field of a text or message shorter than 128 bytes.
  static func field(_ number: UInt8, _ value: [UInt8]) -> [UInt8] {
    precondition(value.count < 0x4000, "a length of at most two bytes")
    let length =
      value.count < 0x80
      ? [UInt8(value.count)] : [UInt8(value.count & 0x7F) | 0x80, UInt8(value.count >> 7)]
    return [number << 3 | 2] + length + value
  }

  static func text(_ number: UInt8, _ value: String) -> [UInt8] { field(number, Array(value.utf8)) }

  static func named(_ name: String, _ members: [UInt8]...) -> [UInt8] {
    text(1, name) + members.flatMap { $0 }
  }

  /// `base.proto`: message Base, extensible, with a nested message, enum, field and oneof.
  static let base = named(
    "base.proto", text(2, "test"),
    field(
      4,
      named(
        "Base", field(2, named("field")), field(8, named("choice")),
        field(5, [8, 100, 16, 200, 1]),
        field(3, named("Nested", field(2, named("inner")))),
        field(4, named("Kind", field(2, named("KIND_ONE")))))),
    field(5, named("Top", field(2, named("TOP_ONE")))))

  /// `own.proto`: imports base, extends Base twice, declares a service.
  static let own = named(
    "own.proto", text(2, "test.own"), text(3, "base.proto"),
    field(7, named("extra", text(2, ".test.Base"), [3 << 3, 120])),
    field(4, named("Holder", field(6, named("more", text(2, ".test.Base"), [3 << 3, 110])))),
    field(6, named("Own", field(2, named("Call")))),
    field(6, named("Hidden", field(2, named("Call")))))

  /// `other.proto`: declares a service of another server.
  static let other = named(
    "other.proto", text(2, "test.other"), field(6, named("Other", field(2, named("Call")))))

  static let set = field(1, base) + field(1, own) + field(1, other)
}

@Suite struct ReflectionTests {
  private let service: ReflectionService

  init() throws {
    service = try ReflectionService(
      services: ["test.own.Own"], fileDescriptorSet: Descriptor.set, shutdown: {})
  }

  private func ask(
    _ request: ServerReflectionRequest.MessageRequest?
  ) -> ServerReflectionResponse.MessageResponse {
    service.answer(ServerReflectionRequest(messageRequest: request))
  }

  /// The names of the files of an answer.
  private func files(_ response: ServerReflectionResponse.MessageResponse) throws -> [String] {
    guard case .fileDescriptorResponse(let response) = response else { return [] }
    return try response.fileDescriptorProto.map { try DescribedFile($0[...]) { _ in true }.name }
  }

  private func code(_ response: ServerReflectionResponse.MessageResponse) -> Int32? {
    if case .errorResponse(let error) = response { error.errorCode } else { nil }
  }

  @Test("The services are listed by name, reflection among them")
  func list() {
    guard case .listServicesResponse(let response) = ask(.listServices("*")) else {
      Issue.record("no list")
      return
    }
    #expect(
      response.service.map(\.name) == [
        "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
        "test.own.Own",
      ])
  }

  @Test(
    "A file is found by every kind of symbol in it, and comes with what it imports",
    arguments: [
      ("test.Base", ["base.proto"]), ("test.Base.field", ["base.proto"]),
      ("test.Base.choice", ["base.proto"]), ("test.Base.Nested", ["base.proto"]),
      ("test.Base.Nested.inner", ["base.proto"]), ("test.Base.Kind", ["base.proto"]),
      ("test.Base.KIND_ONE", ["base.proto"]), ("test.Top", ["base.proto"]),
      ("test.TOP_ONE", ["base.proto"]), ("test.own.extra", ["own.proto", "base.proto"]),
      ("test.own.Holder.more", ["own.proto", "base.proto"]),
      ("test.own.Own", ["own.proto", "base.proto"]),
      ("test.own.Own.Call", ["own.proto", "base.proto"]),
    ])
  func symbols(symbol: String, expected: [String]) throws {
    #expect(try files(ask(.fileContainingSymbol(symbol))) == expected)
  }

  @Test("A file is found by its name and by its extensions")
  func namesAndExtensions() throws {
    #expect(try files(ask(.fileByFilename("own.proto"))) == ["own.proto", "base.proto"])
    for number: Int32 in [110, 120] {
      let request = ExtensionRequest(containingType: "test.Base", extensionNumber: number)
      #expect(
        try files(ask(.fileContainingExtension(request))) == ["own.proto", "base.proto"])
    }
    #expect(
      ask(.allExtensionNumbersOfType("test.Base"))
        == .allExtensionNumbersResponse(
          ExtensionNumberResponse(baseTypeName: "test.Base", extensionNumber: [110, 120])))
    #expect(
      ask(.allExtensionNumbersOfType("test.own.Holder"))
        == .allExtensionNumbersResponse(
          ExtensionNumberResponse(baseTypeName: "test.own.Holder", extensionNumber: [])))
  }

  @Test(
    "What there is not is NOT_FOUND",
    arguments: [
      ServerReflectionRequest.MessageRequest.fileByFilename("none.proto"),
      .fileByFilename("other.proto"), .fileByFilename(""), .fileContainingSymbol("test"),
      .fileContainingSymbol("test.none"), .fileContainingSymbol("test.Base.Kind.KIND_ONE"),
      .fileContainingSymbol("test.other.Other"), .fileContainingSymbol("test.own.Hidden"),
      .fileContainingSymbol("test.own.Hidden.Call"),
      .fileContainingExtension(ExtensionRequest(containingType: "test.Base", extensionNumber: 1)),
      .fileContainingExtension(ExtensionRequest(containingType: "none", extensionNumber: -1)),
      .allExtensionNumbersOfType("test.Top"), .allExtensionNumbersOfType("none"),
    ])
  func absent(request: ServerReflectionRequest.MessageRequest) {
    #expect(code(ask(request)) == Int32(StatusCode.notFound.rawValue))
  }

  @Test("A question that asks nothing is INVALID_ARGUMENT, and a long name is not repeated whole")
  func badQuestions() {
    #expect(code(ask(nil)) == Int32(StatusCode.invalidArgument.rawValue))
    guard
      case .errorResponse(let error) = ask(
        .fileByFilename(String(repeating: "x", count: 100_000)))
    else {
      Issue.record("no error")
      return
    }
    #expect(error.errorMessage.utf8.count < 300)
  }

  @Test("Services of another server are taken out of the files")
  func hiddenServices() throws {
    guard case .fileDescriptorResponse(let response) = ask(.fileByFilename("own.proto")),
      let file = response.fileDescriptorProto.first
    else {
      Issue.record("no file")
      return
    }
    let symbols = try DescribedFile(file[...]) { _ in true }.symbols
    #expect(symbols.contains("test.own.Own.Call"))
    #expect(!symbols.contains { $0.contains("Hidden") })
  }

  @Test("An import that the set does not have is an error")
  func missingImport() {
    #expect(throws: MalformedDescriptor.self) {
      try DescriptorPool(
        fileDescriptorSet: Descriptor.field(1, Descriptor.own), services: ["test.own.Own"])
    }
  }

  @Test("Damaged descriptors are refused or read, and never trap", arguments: 0..<20)
  func damaged(seed: UInt64) {
    var random = SplitMix(state: seed)
    for _ in 0..<200 {
      var bytes = Descriptor.set
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
      }
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      _ = try? DescriptorPool(fileDescriptorSet: bytes, services: ["test.own.Own"])
    }
  }

  @Test("The contracts resolve: every service's methods and messages are found")
  func contracts() throws {
    let names = ["kontor.shop.v1.OrderService", "grpc.health.v1.Health"]
    let service = try ReflectionService(services: names, shutdown: {})
    let symbols =
      names + ReflectionService.names + [
        "kontor.shop.v1.OrderService.PlaceOrder", "kontor.shop.v1.PlaceOrderRequest.lines",
        "kontor.common.v1.Money", "google.rpc.BadRequest.FieldViolation", "google.rpc.OK",
      ]
    for symbol in symbols {
      let answer = service.answer(
        ServerReflectionRequest(messageRequest: .fileContainingSymbol(symbol)))
      #expect(try !files(answer).isEmpty, "\(symbol)")
    }
    for symbol in ["kontor.shop.v1.OrderIntakeService", "kontor.accounting.v1.ChargeService"] {
      let answer = service.answer(
        ServerReflectionRequest(messageRequest: .fileContainingSymbol(symbol)))
      #expect(code(answer) == Int32(StatusCode.notFound.rawValue), "\(symbol)")
    }
  }
}
