/// A mailbox: an address of ASCII characters, with an optional name of any text.
///
/// Takes less than RFC 5322 does: no quoted local parts, no comments, no address literals.
package struct MailAddress: Sendable, Hashable {
  package let name: String?
  /// `local@domain`.
  package let address: String

  /// Reads `local@domain` or `Name <local@domain>`; nil for anything else.
  package init?(_ text: String) {
    if text.hasSuffix(">"), let start = text.firstIndex(of: "<") {
      let address = String(text[text.index(after: start)...].dropLast())
      let name = MailHeader.oneLine(String(text[..<start]))
      guard Self.isAddress(address) else { return nil }
      self.name = name.isEmpty ? nil : name
      self.address = address
    } else {
      guard Self.isAddress(text) else { return nil }
      name = nil
      address = text
    }
  }

  /// What follows the `@`.
  var domain: Substring {
    address.split(separator: "@").last ?? ""
  }

  /// As it stands in a header.
  var headerText: String {
    guard let name else { return address }
    return "\(MailHeader.phrase(name)) <\(address)>"
  }

  private static func isAddress(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: 0x40, omittingEmptySubsequences: false)
    guard parts.count == 2, text.utf8.count <= 254, (1...64).contains(parts[0].count) else {
      return false
    }
    return isDotted(parts[0], isLocalPart) && isDotted(parts[1], isDomain)
  }

  private static func isDotted(
    _ bytes: Substring.UTF8View, _ isRight: (UInt8) -> Bool
  ) -> Bool {
    bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty && $0.allSatisfy(isRight) }
  }

  /// The characters of an atom (RFC 5322, section 3.2.3).
  private static func isLocalPart(_ byte: UInt8) -> Bool {
    isDomain(byte) || "!#$%&'*+/=?^_`{|}~".utf8.contains(byte)
  }

  private static func isDomain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
    default: false
    }
  }
}
