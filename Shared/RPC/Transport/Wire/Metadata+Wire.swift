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
    guard unsafe isBinary(name) else {
      guard unsafe HeaderNames.isValidText(value) else {
        throw RPCError(
          .internalError, reason: "METADATA_MALFORMED",
          "metadata \(unsafe String(decoding: name, as: UTF8.self)) has a value that is not"
            + " printable ASCII")
      }
      return unsafe append(received: name, value)
    }
    let text = unsafe String(decoding: name, as: UTF8.self)
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

  /// True for a name that ends in `-bin`, and for `-bin` itself: its value could not be sent on as
  /// text.
  private func isBinary(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard name.count >= 4 else { return false }
    return unsafe matches(UnsafeBufferPointer(rebasing: name[(name.count - 4)...]), "-bin")
  }

  /// Adds the entries to a header list.
  ///
  /// - Throws: INTERNAL for an entry that must not be sent, RESOURCE_EXHAUSTED when the list is
  ///   longer than `limit`.
  func write(to block: HTTP2HeaderBlock, limit: Int) throws(RPCError) {
    for entry in entries { try entry.write(to: block, limit: limit) }
  }
}

extension Metadata.Entry {
  /// Adds the entry to a header list.
  ///
  /// - Throws: as `Metadata.write`; the list is then as it was.
  func write(to block: HTTP2HeaderBlock, limit: Int) throws(RPCError) {
    if let fault { throw fault }
    guard block.listBytes + listBytes <= limit else {
      throw RPCError(.resourceExhausted, "the call's metadata is too long to be sent")
    }
    switch value {
    case .text(let text): block.append(name, text)
    case .binary(let bytes): block.append(name, Base64.encode(bytes))
    }
  }
}
