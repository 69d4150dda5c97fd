/// The bucket of tokens that holds retries back while a server fails (gRFC A6, "Throttling Retry
/// Attempts and Hedged RPCs").
///
/// A channel has one on each of its event loops.
struct RetryThrottle: Sendable, Hashable {
  /// Thousandths of a token.
  private var tokens: Int
  private let maximum: Int
  private let ratio: Int

  init(_ configuration: RetryThrottling) {
    maximum = configuration.maxTokens * 1000
    ratio = configuration.tokenRatioThousandths
    tokens = maximum
  }

  /// Takes a token; true when no retry may follow.
  mutating func callFailed() -> Bool {
    tokens = max(tokens - 1000, 0)
    return tokens <= maximum / 2
  }

  /// Gives a part of a token back.
  mutating func callSucceeded() { tokens = min(tokens + ratio, maximum) }
}
