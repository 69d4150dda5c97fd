import Cryptography
import SharedDomain
import Testing

@testable import Notices

@Suite struct MailTests {
  /// Friday, 15 January 2027, 08:00:00 UTC.
  private let id = UniqueID(
    at: Instant(microseconds: 1_800_000_000_000_000), random: 0, moreRandom: 5)

  private func mail(
    from: String = "Kontor <kontor@example.org>", to: String = "anna@example.com",
    subject: String = "Your code", text: String = "Hello\n\n12345678\n", language: String = "en"
  ) -> MailMessage {
    MailMessage(id: id, from: from, to: to, subject: subject, text: text, language: language)
  }

  private func rendered(_ mail: MailMessage) throws -> String {
    String(decoding: try mail.rendered(), as: UTF8.self)
  }

  @Test func `a plain mail reads as RFC 5322 has it`() throws {
    #expect(
      try rendered(mail()) == """
        Date: Fri, 15 Jan 2027 08:00:00 +0000\r
        From: Kontor <kontor@example.org>\r
        To: anna@example.com\r
        Message-ID: <\(id)@example.org>\r
        Subject: Your code\r
        Content-Language: en\r
        Auto-Submitted: auto-generated\r
        MIME-Version: 1.0\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Transfer-Encoding: quoted-printable\r
        \r
        Hello\r
        \r
        12345678\r

        """)
  }

  @Test(arguments: [
    "Code\r\nBcc: everybody@example.com", "Code\nBcc: everybody@example.com", "Code\r\r\n\n",
    "Code\u{2028}Bcc: everybody@example.com", "Code\u{85}Bcc: everybody@example.com",
    "Ä\r\nBcc: everybody@example.com", "=?UTF-8?B?DQpCY2M6IHg=?=",
  ])
  func `no subject adds a header`(_ subject: String) throws {
    let lines = try rendered(mail(subject: subject)).split(separator: "\r\n\r\n")[0]
      .split(separator: "\r\n")
    #expect(!lines.contains { $0.lowercased().hasPrefix("bcc") })
    #expect(lines.filter { !$0.hasPrefix(" ") }.count == 10)
    #expect(!lines.joined().utf8.contains { $0 < 0x20 || $0 > 0x7E })
  }

  @Test func `a subject with other characters is in encoded words of whole characters`() throws {
    let subject = String(repeating: "Bestätigung für Zürich 🏔 ", count: 12)
    let header = MailHeader.unstructured(subject)
    var decoded: [UInt8] = []
    for (index, line) in header.split(separator: "\r\n").enumerated() {
      #expect(line.utf8.count + (index == 0 ? "Subject: ".utf8.count : 0) <= 76)
      let word = index == 0 ? line : line.dropFirst()
      #expect(word.hasPrefix("=?UTF-8?B?") && word.hasSuffix("?="))
      let bytes = try #require(Base64.decode(String(word.dropFirst(10).dropLast(2))))
      #expect(String(validating: bytes, as: UTF8.self) != nil)
      decoded += bytes
    }
    #expect(String(decoding: decoded, as: UTF8.self) == MailHeader.oneLine(subject))
  }

  @Test(arguments: [
    "", "anna", "@example.com", "anna@", "anna@@example.com", "an na@example.com",
    "anna@example.com\r\nBcc: x@example.com", "anna@example..com", ".anna@example.com",
    "anna@example.com, eve@example.com", "änna@example.com", "anna@exämple.com",
    "Anna <anna@example.com", "Anna <anna@example.com> <eve@example.com>",
    "<anna@example.com>\r\n <eve@example.com>", "\"a b\"@example.com", "a@b\u{0}",
    String(repeating: "a", count: 65) + "@example.com",
  ])
  func `what is no address is refused`(_ address: String) {
    #expect(throws: MailError(.invalidAddress, "")) { try mail(to: address).rendered() }
    #expect(throws: MailError(.invalidAddress, "")) { try mail(from: address).rendered() }
  }

  @Test func `names before addresses are encoded where they must be`() throws {
    #expect(MailAddress("a.b+c@example.com")?.headerText == "a.b+c@example.com")
    #expect(MailAddress("Anna O'Neil <a@b.ch>")?.headerText == "Anna O'Neil <a@b.ch>")
    #expect(
      MailAddress("Zoë, Inc. <a@b.ch>")?.headerText == "=?UTF-8?B?Wm/DqywgSW5jLg==?= <a@b.ch>")
    #expect(
      MailAddress("A\r\nBcc: x <a@b.ch>")?.headerText == "=?UTF-8?B?QSAgQmNjOiB4?= <a@b.ch>")
    #expect(MailAddress("<a@b.ch>")?.headerText == "a@b.ch")
  }

  @Test(
    arguments: [
      ("", ""), ("a", "a\r\n"), ("a\nb\r\nc\rd\n", "a\r\nb\r\nc\r\nd\r\n"), ("\n\n", "\r\n\r\n"),
      ("a=b", "a=3Db\r\n"), ("ü", "=C3=BC\r\n"), ("a \nb\t", "a=20\r\nb=09\r\n"),
      (
        String(repeating: "x", count: 80),
        String(repeating: "x", count: 75) + "=\r\n" + String(repeating: "x", count: 5) + "\r\n"
      ),
      (String(repeating: "x", count: 76), String(repeating: "x", count: 76) + "\r\n"),
    ])
  func `the body is quoted-printable`(_ text: String, _ encoded: String) {
    #expect(String(decoding: QuotedPrintable.encode(text), as: UTF8.self) == encoded)
  }

  @Test func `no line of a body is longer than 76 characters`() {
    for length in 60..<100 {
      for filler in ["x", "=", "ü", "🐟", " "] {
        let encoded = QuotedPrintable.encode(String(repeating: filler, count: length))
        let lines = encoded.split(separator: 0x0A)
        #expect(lines.allSatisfy { $0.count <= 77 && $0.last == 0x0D })
      }
    }
  }
}
