/// Which passwords are accepted (ID-7).
///
/// There are no composition rules. A password is refused for its length and for being easy to
/// guess: on the list of common passwords, a variation of one, a repetition, a walk over the
/// keyboard, or the address itself.
package enum PasswordPolicy {
  /// Characters (Unicode scalars) that a password has at least, without a second factor.
  package static let minimumCharacters = 12
  /// Characters (Unicode scalars) that a password has at most.
  package static let maximumCharacters = 128

  /// What is wrong with a password, or nil.
  ///
  /// - Parameter address: the login it is for, where that is known to be well formed.
  package static func weakness(
    of password: String, address: EmailAddress? = nil
  ) -> PasswordWeakness? {
    let count = password.unicodeScalars.count
    guard count >= minimumCharacters else { return .tooShort }
    guard count <= maximumCharacters else { return .tooLong }
    let folded = password.lowercased()
    let forms = variations(folded)
    if let address, matches(address, folded: folded, forms: forms) { return .likeAddress }
    if isRepetition(folded) { return .repeated }
    if isWalk(folded) { return .sequence }
    if forms.contains(where: CommonPasswords.contain) { return .common }
    return nil
  }

  private static func matches(
    _ address: EmailAddress, folded: String, forms: Set<String>
  ) -> Bool {
    if folded == address.login { return true }
    let local = String(address.localPart)
    return local.unicodeScalars.count >= 4 && forms.contains(local)
  }

  /// A unit of fewer than eight characters several times over, or three characters at most in all.
  private static func isRepetition(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    if Set(scalars).count <= 3 { return true }
    return (1..<8).contains { size in
      guard scalars.count >= 2 * size, scalars.count % size == 0 else { return false }
      return scalars.indices.allSatisfy { scalars[$0] == scalars[$0 % size] }
    }
  }

  /// One straight line over the keyboard or through the alphabet, in either direction.
  private static func isWalk(_ text: String) -> Bool {
    let backwards = String(String.UnicodeScalarView(text.unicodeScalars.reversed()))
    return walks.contains { contains($0, text) || contains($0, backwards) }
  }

  /// Lines that hands follow; each is met twice in a row, so that a walk may wrap around.
  private static let walks: [[UInt8]] = [
    "1234567890", "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789",
    "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
    "1234567890qwertyuiopasdfghjklzxcvbnm", "1234567890qwertzuiopasdfghjklyxcvbnm",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1qay2wsx3edc4rfv5tgb6zhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp",
    "qaywsxedcrfvtgbzhnujmikolp", "1q2w3e4r5t6y7u8i9o0p", "1q2w3e4r5t6z7u8i9o0p",
    "a1b2c3d4e5f6g7h8i9j0", "1a2b3c4d5e6f7g8h9i0j", "!@#$%^&*()_+", "!\"#$%&/()=?",
  ].map { Array(($0 + $0).utf8) }

  private static func contains(_ walk: [UInt8], _ text: String) -> Bool {
    let part = Array(text.utf8)
    guard part.count <= walk.count else { return false }
    return (0...(walk.count - part.count)).contains { start in
      walk[start..<(start + part.count)].elementsEqual(part)
    }
  }

  /// The forms of a lower-case password that are looked up: as it is, without what was put before
  /// and after it, and with figures read as the letters they stand for.
  private static func variations(_ folded: String) -> Set<String> {
    let scalars = Array(folded.unicodeScalars)
    let withoutEnd = Array(scalars[..<(scalars.lastIndex(where: isLetter).map { $0 + 1 } ?? 0)])
    let core = Array(withoutEnd.drop { !isLetter($0) })
    var forms: Set<[Unicode.Scalar]> = [scalars, core]
    for one in ["i", "l"] as [Unicode.Scalar] {
      for form in [scalars, withoutEnd, core] {
        let read = form.map { substitutions[$0] ?? ($0 == "1" ? one : $0) }
        forms.insert(Array(read.drop { !isLetter($0) }))
      }
    }
    // A word written twice is as easy as the word.
    for form in forms where form.count.isMultiple(of: 2) && !form.isEmpty {
      let half = form.count / 2
      if form[..<half] == form[half...] { forms.insert(Array(form[..<half])) }
    }
    return Set(forms.map { String(String.UnicodeScalarView($0)) })
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic
  }

  private static let substitutions: [Unicode.Scalar: Unicode.Scalar] = [
    "0": "o", "3": "e", "4": "a", "@": "a", "5": "s", "$": "s", "7": "t", "!": "i", "8": "b",
    "9": "g",
  ]
}

/// What is wrong with a password (ID-7).
package enum PasswordWeakness: Error, Sendable, Hashable, CaseIterable {
  case tooShort
  case tooLong
  /// On the list of common passwords, or a variation of an entry.
  case common
  /// A short unit several times over.
  case repeated
  /// A walk over the keyboard or through the alphabet.
  case sequence
  /// The login or the part of it before the `@`.
  case likeAddress
}
