internal import SwiftProtobuf
internal import SwiftProtobufPluginLibrary

/// The protoc plugin: Swift values over protoc-c's structs, service protocols and client stubs.
///
/// Parameter: `c_module=CKontorProto`, the Clang module of the C structs.
@main
struct KontorGenerator: CodeGenerator {
  var supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] { [] }

  func generate(
    files: [FileDescriptor], parameter: any CodeGeneratorParameter,
    protoCompilerContext: any ProtoCompilerContext, generatorOutputs: any GeneratorOutputs
  ) throws {
    var cModule = "CKontorProto"
    for (key, value) in parameter.parsedPairs {
      guard key == "c_module", !value.isEmpty else {
        throw GeneratorError("unknown parameter \(key)=\(value); expected c_module=<module>")
      }
      cModule = value
    }
    for file in files {
      var writer = FileWriter(file: file, cModule: cModule)
      let contents = try writer.contents()
      try generatorOutputs.add(
        fileName: "\(try swiftModule(of: file))/\(writer.fileStem).pb.swift", contents: contents)
    }
  }
}

/// Why a file cannot be generated; protoc prints it.
struct GeneratorError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
