private import CCrypto

/// Why a key, a certificate or a hash cannot be made or read.
///
/// Equality is on the code alone. The message never holds a key, a password or a hash.
package struct CryptographyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  package enum Code: Sendable, Hashable {
    /// Bytes or text that are no such key.
    case invalidKey
    /// Text that is no such certificate, or one that does not go with the key.
    case invalidCertificate
    /// A host name, an address or a validity that a certificate cannot hold.
    case invalidSubject
    /// Text that is no password hash of this program.
    case invalidHash
    /// The queue of the password hasher is full; the call was not begun.
    case overloaded
    /// The password hasher was closed.
    case closed
    /// The library failed, for want of memory for example.
    case library
  }

  package let code: Code
  package let message: String
  /// Where the error was made.
  package let file: String

  package init(_ code: Code, _ message: String, file: String = #fileID) {
    self.code = code
    self.message = message
    self.file = file
  }

  package static func == (left: CryptographyError, right: CryptographyError) -> Bool {
    left.code == right.code
  }

  package var description: String { "\(message) [\(code)]" }

  /// The earliest error in the thread's queue of OpenSSL, which is emptied.
  static func latest(
    _ code: Code, while doing: String, file: String = #fileID
  ) -> CryptographyError {
    let number = ERR_get_error()
    ERR_clear_error()
    var text = [CChar](repeating: 0, count: 256)
    unsafe text.withUnsafeMutableBufferPointer { buffer in
      unsafe ERR_error_string_n(number, buffer.baseAddress, buffer.count)
    }
    let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    return CryptographyError(
      code, "\(doing): \(String(decoding: bytes, as: UTF8.self))", file: file)
  }
}
