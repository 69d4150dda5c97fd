package import HTTP2

/// Every bound of servers and channels, with its unit in its name.
package struct RPCLimits: Sendable {
  /// What HTTP/2 sessions keep to.
  package var http2 = HTTP2Limits()

  // MARK: Messages

  /// A received message; checked at its prefix, before anything is buffered.
  package var maximumMessageBytes = 4 * 1024 * 1024
  /// The window of a request's stream, in bytes; a message of up to half of it needs no share of
  /// `maximumBufferedRequestBytes`.
  package var requestWindowBytes: Int32 = 64 * 1024
  /// The larger messages of requests that one connection may hold in memory at once, in bytes; the
  /// senders of further ones wait.
  package var maximumBufferedRequestBytes = 16 * 1024 * 1024
  /// Streaming requests of one connection that may have a window of `http2.streamWindowBytes`.
  package var maximumWideStreams = 8
  /// Messages queued for sending on one stream, in bytes, beyond which a writer waits.
  package var maximumQueuedStreamBytes = 64 * 1024
  /// `grpc-message` before percent-encoding; the rest is cut.
  package var maximumStatusMessageBytes = 1024
  /// Encoded details beyond this are left out of the trailers.
  package var maximumStatusDetailsBytes = 8 * 1024

  // MARK: Connections of a server

  /// Open connections of the whole server; further ones are closed at once.
  package var maximumConnections = 10_000
  /// Open connections of one remote address.
  package var maximumConnectionsPerAddress = 2_000
  /// From accepting to the end of the TLS handshake.
  package var handshakeSeconds = 10
  /// From the handshake to the client's HTTP/2 preface and SETTINGS.
  package var prefaceSeconds = 10
  /// From the first to the last frame of one header block.
  package var headerSeconds = 10
  /// From a request's headers to its end.
  package var requestSeconds = 60
  /// Without a byte taken by the peer while output waits.
  package var writeProgressSeconds = 30
  /// Without a byte let out by the peer's window while a complete answer waits; it is dropped.
  package var unreadAnswerSeconds = 5 * 60
  /// Without an open call, until the server drains the connection (gRFC A9 `MAX_CONNECTION_IDLE`).
  package var idleSeconds = 15 * 60
  /// From accepting a connection to its drain, so that clients come back over the addresses of
  /// today and with the certificates of today; nil for ever (gRFC A9 `MAX_CONNECTION_AGE`).
  package var maximumConnectionAgeSeconds: Int?
  /// Up to this many percent are added to or taken from a connection's age.
  package var connectionAgeJitterPercent = 10
  /// For the calls of a connection at its age, which are cut off then; nil for as long as they run.
  package var connectionAgeGraceSeconds: Int?
  /// For the peer to close after our last byte.
  package var lingerSeconds = 2
  /// For the answer to the PING of a drain.
  package var drainPingSeconds = 5

  // MARK: Keepalive (gRFC A8)

  /// A server's PING after this long without input.
  package var serverKeepaliveSeconds = 2 * 60 * 60
  /// A client's PING after this long without input while calls are under way, at least 10; nil for
  /// none. A server that finds it too often makes it double.
  package var clientKeepaliveSeconds: Int?
  /// Whether a client's PING also goes out without calls.
  package var clientKeepaliveWithoutCalls = false
  /// For any input after a PING; then the connection is given up.
  package var keepaliveTimeoutSeconds = 20
  /// Between the PINGs of a client with calls. Both intervals begin anew when the server sends
  /// HEADERS or DATA.
  package var minimumPingSeconds = 5 * 60
  /// Between the PINGs of a client without calls.
  package var minimumIdlePingSeconds = 2 * 60 * 60
  /// PINGs of a client that may come too soon; one more ends the connection with GOAWAY
  /// ENHANCE_YOUR_CALM and the debug data `too_many_pings`.
  package var maximumPingStrikes = 2

  // MARK: Channels of a client

  /// For a TCP connection; TLS and the server's SETTINGS have `handshakeSeconds` and
  /// `prefaceSeconds`.
  package var connectSeconds = 10
  /// Before another address is tried beside one that has not answered (RFC 8305: 250).
  package var connectionAttemptDelayMilliseconds = 250
  /// Addresses of a target; further ones are not used.
  package var maximumAddresses = 64
  /// Between two resolutions of a target's names.
  package var minimumResolutionSeconds = 30
  /// Sent messages that a streaming call keeps until its answer begins; one that sends more is not
  /// tried again, unless nothing of it has left.
  package var maximumRetryBufferBytes = 256 * 1024
  /// Calls on one connection at once, below what the server allows.
  package var maximumCallsPerConnection = 100
  /// Connections of one event loop to one address; another is opened when all are full.
  package var maximumConnectionsPerSubchannel = 4
  /// Calls waiting for a connection or for room on it; further ones are RESOURCE_EXHAUSTED.
  package var maximumWaitingCalls = 10_000

  package init() {}

  /// The limits as documented in Shared/Documentation/RPC.md.
  package static let standard = RPCLimits()
}
