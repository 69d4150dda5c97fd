/// A host name that can be registered: letters, digits and hyphens, lower case (RFC 1034 §3.5,
/// RFC 1123 §2.1). Internationalized names are written as A-labels (`xn--…`, RFC 5890).
package struct DomainName: Sendable, Hashable, CustomStringConvertible {
  package let text: String

  /// Reads a name, upper case allowed.
  ///
  /// - Throws: what is wrong with it.
  package init(_ name: String) throws(DomainNameProblem) {
    guard name.utf8.allSatisfy({ $0 < 0x80 }) else { throw .notASCII }
    guard name.utf8.count <= 253 else { throw .tooLong }
    let lowered = name.lowercased()
    let labels = lowered.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard labels.count >= 2, let last = labels.last else { throw .noTopLevelDomain }
    for label in labels {
      guard (1...63).contains(label.count) else { throw .labelLength }
      guard label.first != 0x2D, label.last != 0x2D else { throw .hyphenAtEnd }
      let allowed = label.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
      }
      guard allowed else { throw .character }
    }
    guard last.count >= 2, last.contains(where: { !(0x30...0x39).contains($0) }) else {
      throw .noTopLevelDomain
    }
    text = lowered
  }

  /// Whether the name is one label in front of the suffix: `example.co.uk` for `co.uk`.
  package func isDirectly(under suffix: String) -> Bool {
    guard let dot = text.utf8.firstIndex(of: 0x2E) else { return false }
    return text[text.utf8.index(after: dot)...] == suffix
  }

  package var description: String { text }
}

/// What is wrong with a domain name.
package enum DomainNameProblem: Error, Sendable, Hashable, CaseIterable {
  case notASCII
  case tooLong
  case noTopLevelDomain
  case labelLength
  case hyphenAtEnd
  case character
}
