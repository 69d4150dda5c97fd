package import RPCCore

/// When a failed call is tried again (gRFC A6, "Retry Policy").
package struct RetryPolicy: Sendable, Hashable {
  /// Most attempts of a call, the first included.
  package static let maximumAttempts = 5

  /// 2 to 5, the first attempt included.
  package let maxAttempts: Int
  /// The waits between attempts.
  package let backoff: Backoff
  package let retryableStatusCodes: Set<StatusCode>

  /// - Throws: ``ServiceConfigError`` naming the value that is out of range.
  package init(
    maxAttempts: Int, initialBackoff: Duration, maxBackoff: Duration, backoffMultiplier: Double,
    retryableStatusCodes: Set<StatusCode>
  ) throws(ServiceConfigError) {
    guard (2...Self.maximumAttempts).contains(maxAttempts) else {
      throw ServiceConfigError("retryPolicy.maxAttempts", "\(maxAttempts)", "2 to 5")
    }
    guard initialBackoff > .zero else {
      throw ServiceConfigError(
        "retryPolicy.initialBackoff", "\(initialBackoff)", "a positive duration")
    }
    guard maxBackoff > .zero else {
      throw ServiceConfigError("retryPolicy.maxBackoff", "\(maxBackoff)", "a positive duration")
    }
    guard backoffMultiplier > 0, backoffMultiplier.isFinite else {
      throw ServiceConfigError(
        "retryPolicy.backoffMultiplier", "\(backoffMultiplier)", "a positive number")
    }
    guard !retryableStatusCodes.isEmpty, !retryableStatusCodes.contains(.ok) else {
      let codes = retryableStatusCodes.map(\.description).sorted().joined(separator: ", ")
      throw ServiceConfigError(
        "retryPolicy.retryableStatusCodes", codes.isEmpty ? "empty" : codes,
        "at least one code, and not OK")
    }
    self.maxAttempts = maxAttempts
    backoff = Backoff(
      initial: initialBackoff, maximum: maxBackoff, multiplier: backoffMultiplier, jitter: 0.2)
    self.retryableStatusCodes = retryableStatusCodes
  }
}
