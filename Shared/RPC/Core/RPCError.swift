internal import GoogleAPI

/// A call's failure: what a handler throws and what a client call throws.
///
/// The message and the details reach the other side as they are, so neither may hold a secret.
package struct RPCError: Error, Sendable {
  /// Never `.ok` in an error that a library makes; a handler that throws `.ok` answers UNKNOWN.
  package var code: StatusCode
  /// Text for people, UTF-8; the transport bounds its length.
  package var message: String
  /// Structured details, sent in `grpc-status-details-bin`.
  package var details: [StatusDetail]
  /// Trailing metadata sent or received with the status.
  package var metadata: Metadata

  /// An error without details.
  package init(_ code: StatusCode, _ message: String) {
    self.code = code
    self.message = message
    details = []
    metadata = Metadata()
  }

  /// An error with details that were received or built elsewhere.
  package init(
    _ code: StatusCode, _ message: String, details: [StatusDetail], metadata: Metadata = Metadata()
  ) {
    self.code = code
    self.message = message
    self.details = details
    self.metadata = metadata
  }

  /// The house form: `ErrorInfo` with a stable reason in the domain `kontor`, and `BadRequest`
  /// where fields are wrong (AIP-193).
  ///
  /// - Parameters:
  ///   - reason: UPPER_SNAKE, stable, what programs compare.
  ///   - metadata: goes into `ErrorInfo.metadata`, not into the trailers.
  ///   - fields: the fields at fault, by their path in proto names.
  package init(
    _ code: StatusCode, reason: String, _ message: String, metadata: [String: String] = [:],
    fields: [FieldViolation] = []
  ) {
    self.init(code, message)
    details.append(.errorInfo(ErrorInfo(reason: reason, domain: "kontor", metadata: metadata)))
    if !fields.isEmpty {
      details.append(
        .badRequest(
          BadRequest(
            fieldViolations: fields.map {
              BadRequest.FieldViolation(field: $0.field, description: $0.description)
            })))
    }
  }

  /// The reason of the first `ErrorInfo`, or nil.
  package var reason: String? {
    for case .errorInfo(let info) in details { return info.reason }
    return nil
  }

  /// The wrong fields of the first `BadRequest`.
  package var fields: [FieldViolation] {
    for case .badRequest(let request) in details {
      return request.fieldViolations.map {
        FieldViolation(field: $0.field, description: $0.description)
      }
    }
    return []
  }
}

extension RPCError: CustomStringConvertible {
  /// One line: `INVALID_ARGUMENT (REASON): message`.
  package var description: String {
    if let reason { "\(code) (\(reason)): \(message)" } else { "\(code): \(message)" }
  }
}

/// One wrong field of a request.
package struct FieldViolation: Sendable, Hashable {
  /// The path in proto names, for example `lines[0].plan_id`.
  package var field: String
  /// What is wrong and what was expected.
  package var description: String

  package init(field: String, description: String) {
    self.field = field
    self.description = description
  }
}
