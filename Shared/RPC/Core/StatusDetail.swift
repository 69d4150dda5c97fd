/// One entry of `google.rpc.Status.details`.
package enum StatusDetail: Sendable, Hashable {
  case errorInfo(ErrorInfo)
  case badRequest(BadRequest)
  case retryInfo(RetryInfo)
  /// A detail of a type that this runtime does not read, kept as it came.
  case other(AnyMessage)
}

/// Stands in for `google.rpc.ErrorInfo` until the generated module is there.
package struct ErrorInfo: Sendable, Hashable {
  package var reason: String
  package var domain: String
  package var metadata: [String: String]
  package init(reason: String = "", domain: String = "", metadata: [String: String] = [:]) {
    self.reason = reason
    self.domain = domain
    self.metadata = metadata
  }
}

/// Stands in for `google.rpc.BadRequest` until the generated module is there.
package struct BadRequest: Sendable, Hashable {
  package struct FieldViolation: Sendable, Hashable {
    package var field: String
    package var description: String
    package init(field: String = "", description: String = "") {
      self.field = field
      self.description = description
    }
  }
  package var fieldViolations: [FieldViolation]
  package init(fieldViolations: [FieldViolation] = []) {
    self.fieldViolations = fieldViolations
  }
}

/// Stands in for `google.rpc.RetryInfo` until the generated module is there.
package struct RetryInfo: Sendable, Hashable {
  package init() {}
}

/// Stands in for `google.protobuf.Any` until the generated module is there.
package struct AnyMessage: Sendable, Hashable {
  package var typeURL: String
  package var value: [UInt8]
  package init(typeURL: String = "", value: [UInt8] = []) {
    self.typeURL = typeURL
    self.value = value
  }
}
