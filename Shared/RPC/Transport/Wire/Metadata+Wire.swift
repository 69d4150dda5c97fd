internal import HTTP2
internal import RPCCore

extension Metadata {
  /// Adds one received header.
  ///
  /// Binary values are split at commas before they are decoded, since a proxy may have joined
  /// them.
  /// - Throws: INTERNAL for a name or value that metadata cannot have.
  mutating func appendReceived(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) throws(RPCError) {
    guard unsafe HeaderNames.isValid(name) else {
      throw RPCError(
        .internalError, reason: "METADATA_MALFORMED", "a metadata name is not made of [0-9a-z_.-]")
    }
    let text = unsafe String(decoding: name, as: UTF8.self)
    guard name.count > 4, text.hasSuffix("-bin") else {
      guard unsafe HeaderNames.isValidText(value) else {
        throw RPCError(
          .internalError, reason: "METADATA_MALFORMED",
          "metadata \(text) has a value that is not printable ASCII")
      }
      unsafe append(Entry(name: text, value: .text(String(decoding: value, as: UTF8.self))))
      return
    }
    let values = unsafe Array(value)
    for part in values.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let trimmed = part.drop { $0 == 0x20 }
      guard let bytes = Base64.decode(trimmed) else {
        throw RPCError(
          .internalError, reason: "METADATA_MALFORMED", "metadata \(text) is not base64")
      }
      append(Entry(name: text, value: .binary(bytes)))
    }
  }

  /// Adds the entries to a header list.
  ///
  /// - Throws: INTERNAL for an entry that must not be sent.
  func write(to block: HTTP2HeaderBlock) throws(RPCError) {
    for entry in entries {
      guard HeaderNames.isValid(entry.name.utf8), !HeaderNames.isReserved(entry.name) else {
        throw RPCError(.internalError, "metadata name \(entry.name) cannot be sent")
      }
      switch entry.value {
      case .text(let text):
        guard HeaderNames.isValidText(text.utf8), !entry.name.hasSuffix("-bin") else {
          throw RPCError(.internalError, "the value of metadata \(entry.name) cannot be sent")
        }
        block.append(entry.name, text)
      case .binary(let bytes):
        guard entry.name.hasSuffix("-bin") else {
          throw RPCError(
            .internalError, "binary metadata \(entry.name) needs a name that ends in -bin")
        }
        block.append(entry.name, Base64.encode(bytes))
      }
    }
  }
}
