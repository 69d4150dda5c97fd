internal import SwiftProtobufPluginLibrary

extension FileWriter {
  /// An open enum: numbers that this version does not know are kept as they are.
  mutating func write(enumeration descriptor: EnumDescriptor) {
    gap()
    comment(descriptor.sourceCodeInfoLocation, or: "\(descriptor.fullName).")
    // Of several names for one number, the first counts.
    var numbers: Set<Int32> = []
    let values = descriptor.values.filter { numbers.insert($0.number).inserted }
    block("package enum \(descriptor.swiftName): Sendable, Hashable, RawRepresentable {") {
      writer in
      for value in values {
        writer.comment(value.sourceCodeInfoLocation)
        writer.line("case \(escaped(descriptor.caseName(value)))")
      }
      writer.line("/// A number that this version does not know.")
      writer.line("case unrecognized(Int32)")
      writer.line()
      writer.line("/// The case with a number on the wire.")
      writer.block("package init(rawValue: Int32) {") { writer in
        writer.block("switch rawValue {") { writer in
          for value in values {
            writer.line("case \(value.number): self = .\(escaped(descriptor.caseName(value)))")
          }
          writer.line("default: self = .unrecognized(rawValue)")
        }
      }
      writer.line()
      writer.line("/// The number on the wire.")
      writer.block("package var rawValue: Int32 {") { writer in
        writer.block("switch self {") { writer in
          for value in values {
            writer.line("case .\(escaped(descriptor.caseName(value))): \(value.number)")
          }
          writer.line("case .unrecognized(let number): number")
        }
      }
      writer.line()
      writer.line("/// The name in the proto; nil for a number that this version does not know.")
      writer.block("package var protoName: String? {") { writer in
        writer.block("switch self {") { writer in
          for value in values {
            writer.line("case .\(escaped(descriptor.caseName(value))): \"\(value.name)\"")
          }
          writer.line("case .unrecognized: nil")
        }
      }
    }
  }
}
