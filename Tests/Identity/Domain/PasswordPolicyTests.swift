import IdentityDomain
import Testing

@Suite("Passwords (ID-7)")
struct PasswordPolicyTests {
  @Test(
    "a password that is hard to guess is accepted, whatever it is made of",
    arguments: [
      "kq7 fjord umbrella", "aufmerksame-giraffen-zaehlen", "шуршащий-овраг", "🦉🌲🪨🧭🫖🪡🧶🎐🪁🛶🗺️🧊",
      "zufall wiegt schwer", "jVt6-eMw2-Ra9b", "the train left at nine",
      "sun-and-moon-and-stars-7",
      String(repeating: "wx3!", count: 2) + "and then some",
    ])
  func accepted(password: String) {
    #expect(PasswordPolicy.weakness(of: password) == nil)
  }

  @Test("the length is counted in characters, from 12 to 128")
  func lengths() {
    let alphabet = Array("ab3k9x-qm z7fhw2")
    func text(_ count: Int) -> String {
      String((0..<count).map { alphabet[($0 * 7 + $0 * $0 * 3 + $0 / 5) % alphabet.count] })
    }
    #expect(PasswordPolicy.weakness(of: text(11)) == .tooShort)
    #expect(PasswordPolicy.weakness(of: text(12)) == nil)
    #expect(PasswordPolicy.weakness(of: text(128)) == nil)
    #expect(PasswordPolicy.weakness(of: text(129)) == .tooLong)
    #expect(PasswordPolicy.weakness(of: "") == .tooShort)
  }

  @Test(
    "a common password is refused, whatever is put around it",
    arguments: [
      "password1234", "Password2024!!", "P@ssw0rd123456", "p4s5w0rt!!!!", "passwordpassword",
      "1234password5", "AdminAdmin-12", "ILoveYouForever", "iloveyou20012001", "SunshineSunshine",
      "liverpool1892", "M1chelle123456", "Fussball2026!", "!!!Schatzi!!!!", "letmeinplease",
      "correcthorsebatterystaple", "CorrectHorseBatteryStaple9", "Chocolat.....1",
    ])
  func common(password: String) {
    #expect(PasswordPolicy.weakness(of: password) == .common)
  }

  @Test(
    "repetitions and walks over the keyboard are refused",
    arguments: [
      ("aaaaaaaaaaaa", .repeated), ("abababababab", .repeated), ("xyz9xyz9xyz9", .repeated),
      ("121212121212121", .repeated), ("kq7fjokq7fjo", .repeated), ("            ", .repeated),
      ("123456789012", .sequence), ("abcdefghijkl", .sequence), ("lkjihgfedcba", .sequence),
      ("qwertyuiopas", .sequence), ("Qwertzuiopasd", .sequence), ("1qaz2wsx3edc", .sequence),
      ("098765432109", .sequence), ("1q2w3e4r5t6y", .sequence),
    ] as [(String, PasswordWeakness)])
  func patterns(password: String, weakness: PasswordWeakness) {
    #expect(PasswordPolicy.weakness(of: password) == weakness)
  }

  @Test("the address is refused as its own password")
  func likeAddress() throws {
    let address = try EmailAddress("Zorblatt.Quux@example.ch")
    for password in ["zorblatt.quux@example.ch", "Zorblatt.Quux", "zorblatt.quux2026!"] {
      #expect(PasswordPolicy.weakness(of: password, address: address) == .likeAddress)
    }
    #expect(PasswordPolicy.weakness(of: "zorblatt.quux likes tea", address: address) == nil)
  }

  @Test("the list has a few thousand entries, each in the form in which it is looked up")
  func list() {
    #expect(CommonPasswords.count > 2000)
    #expect(CommonPasswords.contain("password"))
    #expect(!CommonPasswords.contain("Password"))
    #expect(!CommonPasswords.contain(""))
  }
}
