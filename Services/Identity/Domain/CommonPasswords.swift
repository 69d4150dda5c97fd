/// The list of common passwords that ships with the service (ID-7).
///
/// The list is of the words and phrases that common passwords are made of; ``PasswordPolicy`` looks
/// up a password as it is and stripped of what people put around such a word.
package enum CommonPasswords {
  private static let all = Set(
    (words + phrases).unicodeScalars.split { $0 == " " || $0 == "\n" }.map { String($0) })

  /// Whether the list has this text, which is in lower case.
  package static func contain(_ text: String) -> Bool { all.contains(text) }

  /// How many entries the list has.
  package static var count: Int { all.count }
}
