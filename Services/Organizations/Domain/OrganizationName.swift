/// The name of an organization: 1 to 141 characters, no control characters. A private person's is
/// "given name family name", two names of 70 at most (ORG-1).
package struct OrganizationName: Sendable, Hashable {
  package let text: String

  /// The name, or nil where it is none.
  package init?(_ text: String) {
    guard Self.length.contains(text.unicodeScalars.count),
      !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else { return nil }
    self.text = text
  }

  /// How many characters (Unicode scalars) a name has.
  package static let length = 1...141
}
