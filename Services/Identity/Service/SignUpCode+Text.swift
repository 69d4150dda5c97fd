internal import Cryptography
internal import IdentityDomain
internal import SharedDomain

/// The digits of sign-up codes.
///
/// A code is derived from a key, the sign-up and the code's number, as HOTP does (RFC 4226): so it
/// is stored nowhere, not even in the outbox, and a mail that is sent twice says the same twice.
extension IdentityKeys {
  /// The eight digits of a sign-up's present code.
  func codeText(of signUp: IdentityDomain.SignUp) -> String {
    let subject = "sign-up \(signUp.id.text) code \(signUp.code.generation)"
    let mac = HMACSHA256.code(for: Array(subject.utf8), key: codeKey)
    // 64 bits modulo 10^8: no digit is likelier than another by more than 10^-11.
    let number = mac.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % 100_000_000
    let digits = String(number)
    return String(repeating: "0", count: SignUpCode.digits - digits.utf8.count) + digits
  }

  /// Whether the text is the sign-up's present code; the time does not depend on the digits.
  func isCode(_ text: String, of signUp: IdentityDomain.SignUp) -> Bool {
    constantTimeEqual(Array(text.utf8), Array(codeText(of: signUp).utf8))
  }
}
