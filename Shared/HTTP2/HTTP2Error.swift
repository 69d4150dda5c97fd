/// An error code of RST_STREAM and GOAWAY (RFC 9113, 7).
package struct HTTP2ErrorCode: RawRepresentable, Sendable, Hashable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let noError = Self(rawValue: 0x0)
  package static let protocolError = Self(rawValue: 0x1)
  package static let internalError = Self(rawValue: 0x2)
  package static let flowControlError = Self(rawValue: 0x3)
  package static let settingsTimeout = Self(rawValue: 0x4)
  package static let streamClosed = Self(rawValue: 0x5)
  package static let frameSizeError = Self(rawValue: 0x6)
  package static let refusedStream = Self(rawValue: 0x7)
  package static let cancel = Self(rawValue: 0x8)
  package static let compressionError = Self(rawValue: 0x9)
  package static let connectError = Self(rawValue: 0xa)
  package static let enhanceYourCalm = Self(rawValue: 0xb)
  package static let inadequateSecurity = Self(rawValue: 0xc)
  package static let http11Required = Self(rawValue: 0xd)
}

/// A GOAWAY of the peer (RFC 9113, 6.8).
package struct HTTP2GoAway: Sendable, Hashable {
  /// The last stream that the peer processed or will.
  package let lastStreamID: Int32
  package let code: HTTP2ErrorCode
  /// The printable part of the peer's debug data, for example `too_many_pings`.
  package let debugData: String
}

/// Why a session is over; the peer's fault unless the code is `internalError`.
package struct HTTP2Error: Error, Sendable, Hashable, CustomStringConvertible {
  package let code: HTTP2ErrorCode
  /// One line, for the log and, as debug data of the GOAWAY, for the peer.
  package let description: String

  package init(_ code: HTTP2ErrorCode, _ description: String) {
    self.code = code
    self.description = description
  }
}
