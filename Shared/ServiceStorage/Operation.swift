package import RPCCore

/// One mutation as its caller named it: who, which RPC, the client's key, and what was asked.
package struct Operation: Sendable, Hashable {
  /// Whose key it is: `user:<id>`, `service:shop`, `anonymous`.
  package let scope: String
  package let method: MethodDescriptor
  /// The client's idempotency key, 1 to 64 of `[A-Za-z0-9._-]`.
  package let requestID: String
  /// A keyed hash of the request without its secret fields, 32 bytes.
  package let requestHash: [UInt8]

  package init(
    scope: String, method: MethodDescriptor, requestID: String, requestHash: [UInt8]
  ) {
    precondition(requestHash.count == 32, "a request's hash has 32 bytes")
    self.scope = scope
    self.method = method
    self.requestID = requestID
    self.requestHash = requestHash
  }

  /// Whether a text can be an idempotency key.
  package static func isRequestID(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
      }
  }
}
