/// The stable id of a product type, such as `web-hosting`.
package struct ProductTypeID: Sendable, Hashable, CustomStringConvertible {
  package let text: String

  /// Nil unless the text is 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter.
  package init?(_ text: String) {
    guard isCatalogueName(text) else { return nil }
    self.text = text
  }

  package var description: String { text }
}

/// The stable id of a plan, such as `web-hosting-start`.
package struct PlanID: Sendable, Hashable, CustomStringConvertible {
  package let text: String

  /// Nil unless the text is 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter.
  package init?(_ text: String) {
    guard isCatalogueName(text) else { return nil }
    self.text = text
  }

  package var description: String { text }
}

private func isCatalogueName(_ text: String) -> Bool {
  let bytes = text.utf8
  guard (1...63).contains(bytes.count), let first = bytes.first, (0x61...0x7A).contains(first)
  else { return false }
  return bytes.allSatisfy {
    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
  }
}
