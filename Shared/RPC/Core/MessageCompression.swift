/// How messages are sent (gRPC "Compression", the values of `grpc-encoding`).
///
/// Compressing lets a message's length tell about its content: a secret beside a text that somebody
/// else chose must not be sent so. That is why nothing is compressed unless a call asks for it.
package enum MessageCompression: Sendable, Hashable, CaseIterable {
  case identity
  /// The zlib format (RFC 1950).
  case deflate
  /// RFC 1952.
  case gzip
}
