/// An e-mail address that can be a login (ID-1, ID-6).
///
/// The form is RFC 5321's without its rarities: a dot-atom, `@`, and a domain of at least two
/// labels. Quoted local parts, address literals and comments are refused. Domains with letters
/// outside ASCII must be given in their A-label form (`xn--…`).
package struct EmailAddress: Sendable, Hashable {
  /// How mail is addressed: trimmed, the domain in lower case.
  package let text: String
  /// The login that has to be unique: the whole address in lower case (ID-6).
  package let login: String

  /// Bytes that a whole address may have (RFC 5321, 4.5.3.1.3, without the angle brackets).
  package static let maximumBytes = 254
  /// Bytes that the part before the `@` may have (RFC 5321, 4.5.3.1.1).
  package static let maximumLocalPartBytes = 64
  /// Bytes that a label of the domain may have (RFC 1035, 2.3.4).
  package static let maximumLabelBytes = 63

  /// Reads an address as a person typed it.
  package init(_ typed: String) throws(EmailAddressError) {
    let trimmed = Self.trimmed(typed)
    guard !trimmed.isEmpty else { throw .empty }
    guard trimmed.utf8.count <= Self.maximumBytes else { throw .tooLong }
    guard let at = trimmed.utf8.lastIndex(of: UInt8(ascii: "@")) else { throw .noAtSign }
    let local = trimmed[..<at]
    let domain = trimmed[trimmed.utf8.index(after: at)...]
    try Self.check(localPart: local)
    try Self.check(domain: domain)
    let foldedDomain = domain.lowercased()
    text = "\(local)@\(foldedDomain)"
    login = "\(local.lowercased())@\(foldedDomain)"
  }

  /// The part of the login before the `@`.
  package var localPart: Substring {
    login.prefix { $0 != "@" }
  }

  private static func trimmed(_ text: String) -> Substring {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return text[first...last]
  }

  private static func check(localPart: Substring) throws(EmailAddressError) {
    guard localPart.utf8.allSatisfy({ $0 < 0x80 }) else { throw .localPartNotASCII }
    guard (1...maximumLocalPartBytes).contains(localPart.utf8.count) else {
      throw .badLocalPart
    }
    let atoms = localPart.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    for atom in atoms {
      guard !atom.isEmpty, atom.allSatisfy(isAtomByte) else { throw .badLocalPart }
    }
  }

  /// `atext` of RFC 5322, 3.2.3.
  private static func isAtomByte(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }

  private static func check(domain: Substring) throws(EmailAddressError) {
    guard domain.utf8.allSatisfy({ $0 < 0x80 }) else { throw .domainNotASCII }
    let labels = domain.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard labels.count >= 2 else { throw .badDomain }
    let hyphen = UInt8(ascii: "-")
    for label in labels {
      guard (1...maximumLabelBytes).contains(label.count), label.first != hyphen,
        label.last != hyphen, label.allSatisfy({ isLetterOrDigit($0) || $0 == hyphen })
      else { throw .badDomain }
    }
    // A last label of digits alone is an IP address, not a domain (RFC 3696, 2).
    guard let last = labels.last, !last.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw .badDomain
    }
  }
}

/// Why a text is no address that can be a login.
package enum EmailAddressError: Error, Sendable, Hashable, CaseIterable {
  case empty
  case tooLong
  case noAtSign
  case localPartNotASCII
  case badLocalPart
  case domainNotASCII
  case badDomain
}
