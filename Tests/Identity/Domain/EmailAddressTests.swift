import IdentityDomain
import Testing

@Suite("E-mail addresses (ID-1, ID-6)")
struct EmailAddressTests {
  @Test(
    "an address is trimmed, its domain folded, and its login folded as a whole",
    arguments: [
      ("ada@example.ch", "ada@example.ch", "ada@example.ch"),
      ("  Ada.Lovelace@Example.CH\n", "Ada.Lovelace@example.ch", "ada.lovelace@example.ch"),
      ("\u{A0}o'neil+kontor@mail.example.org", "o'neil+kontor@mail.example.org", nil),
      ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example", nil),
      ("x_{y}|~@a-b.c1.example", "x_{y}|~@a-b.c1.example", nil),
    ] as [(String, String, String?)])
  func accepted(typed: String, text: String, login: String?) throws {
    let address = try EmailAddress(typed)
    #expect(address.text == text)
    #expect(address.login == login ?? text)
    #expect(try EmailAddress(address.text) == address)
  }

  @Test(
    "what is no address is refused with its reason",
    arguments: [
      ("", .empty), (" \t\n", .empty), ("ada", .noAtSign), ("@example.ch", .badLocalPart),
      ("ada@", .badDomain), ("ada@localhost", .badDomain), ("ada@example.", .badDomain),
      ("ada@.example", .badDomain), ("ada@-a.example", .badDomain), ("ada@a-.example", .badDomain),
      ("ada@127.0.0.1", .badDomain), ("ada@[127.0.0.1]", .badDomain), ("a@b_c.example", .badDomain),
      (".ada@example.ch", .badLocalPart), ("a..b@example.ch", .badLocalPart),
      ("ada.@example.ch", .badLocalPart), ("a b@example.ch", .badLocalPart),
      ("\"a b\"@example.ch", .badLocalPart), ("a@b@example.ch", .badLocalPart),
      ("a\u{7}@example.ch", .badLocalPart), ("a\r\nBcc: b@example.ch", .badLocalPart),
      ("zoë@example.ch", .localPartNotASCII), ("ada@bücher.example", .domainNotASCII),
      (String(repeating: "a", count: 65) + "@example.ch", .badLocalPart),
      ("a@" + String(repeating: "b", count: 64) + ".ch", .badDomain),
      ("a@" + String(repeating: "bcd.", count: 64) + "ch", .tooLong),
    ] as [(String, EmailAddressError)])
  func refused(typed: String, error: EmailAddressError) {
    #expect(throws: error) { try EmailAddress(typed) }
  }
}
