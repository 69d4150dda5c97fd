internal import SharedDomain

extension MailMessage {
  /// The mail as it travels: RFC 5322 headers and a quoted-printable body, lines ended by CRLF.
  ///
  /// Throws `.invalidAddress` when the sender or the recipient is none.
  package func rendered() throws(MailError) -> [UInt8] {
    guard let sender = MailAddress(from) else {
      throw MailError(.invalidAddress, "the sender of mails is no address")
    }
    guard let recipient = MailAddress(to) else {
      throw MailError(.invalidAddress, "the recipient of the mail \(id) is no address")
    }
    let headers = [
      "Date: \(MailDate.text(of: id))",
      "From: \(sender.headerText)",
      "To: \(recipient.headerText)",
      "Message-ID: <\(id)@\(sender.domain)>",
      "Subject: \(MailHeader.unstructured(subject))",
      "Content-Language: \(language.filter { $0.isASCII && ($0.isLetter || $0 == "-") })",
      "Auto-Submitted: auto-generated",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: quoted-printable",
    ]
    let head = headers.joined(separator: "\r\n") + "\r\n\r\n"
    return Array(head.utf8) + QuotedPrintable.encode(text)
  }
}

/// The date of a mail.
enum MailDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The moment that a UUIDv7 was made, in UTC: `Fri, 15 Jan 2027 08:00:00 +0000`.
  static func text(of id: UniqueID) -> String {
    let digits = id.text.filter { $0 != "-" }.prefix(12)
    let seconds = (Int(digits, radix: 16) ?? 0) / 1000
    let (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
    let date = CalendarDate(daysSinceEpoch: day)
    let time = [second / 3600, second / 60 % 60, second % 60].map {
      $0 < 10 ? "0\($0)" : "\($0)"
    }
    return """
      \(days[day % 7]), \(date.day) \(months[date.month - 1]) \(date.year) \
      \(time.joined(separator: ":")) +0000
      """
  }
}
