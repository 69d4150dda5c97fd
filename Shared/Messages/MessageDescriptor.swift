private import CProtobufC

/// The C descriptor of one message type: its fields, their types and places.
///
/// Sendable because it points to constant data of the program.
@safe package struct MessageDescriptor: @unchecked Sendable {
  let pointer: UnsafeRawPointer

  /// The descriptor that `initialize`, the init function that protoc-c wrote for `Struct`, puts
  /// into a struct. For generated code only.
  @unsafe package init<Struct>(
    of type: Struct.Type, _ initialize: (UnsafeMutablePointer<Struct>?) -> Void
  ) {
    unsafe pointer = unsafe withUnsafeTemporaryAllocation(of: Struct.self, capacity: 1) {
      memory in
      // protobuf-c's structs begin with the pointer to their descriptor.
      unsafe initialize(memory.baseAddress)
      guard let start = UnsafeRawPointer(memory.baseAddress) else {
        preconditionFailure("temporary memory has an address")
      }
      return unsafe start.load(as: UnsafeRawPointer.self)
    }
  }

  /// The full name of the message type.
  package var name: String {
    unsafe String(
      cString: pointer.assumingMemoryBound(to: ProtobufCMessageDescriptor.self).pointee.name)
  }
}
