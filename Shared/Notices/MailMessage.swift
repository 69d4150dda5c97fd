package import SharedDomain

/// A mail to one person, in plain text.
package struct MailMessage: Sendable, Hashable {
  /// The outbox message's id, a UUIDv7: the Message-ID and the date come from it, so that a mail
  /// that is delivered twice is the same mail.
  package var id: UniqueID
  /// `kontor@example.org` or `Kontor <kontor@example.org>`.
  package var from: String
  /// An address, with or without a name.
  package var to: String
  /// One line of any text.
  package var subject: String
  /// Lines of any text, whatever their endings.
  package var text: String
  /// The text's language (RFC 5646): `de`, `fr`, `it`, `en`.
  package var language: String

  package init(
    id: UniqueID, from: String, to: String, subject: String, text: String, language: String
  ) {
    self.id = id
    self.from = from
    self.to = to
    self.subject = subject
    self.text = text
    self.language = language
  }
}

/// Why a mail was not sent.
package struct MailError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure. Equality is on it alone.
  package enum Code: Sendable, Hashable {
    /// The sender or the recipient is no address; another attempt changes nothing.
    case invalidAddress
    /// The mail could not be handed over; another attempt may succeed.
    case notSent
  }

  package let code: Code
  /// For people who run the service; holds no text of the mail.
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  package static func == (left: MailError, right: MailError) -> Bool {
    left.code == right.code
  }
}

/// A way to send mails.
package protocol MailTransport: Sendable {
  /// Returns when the mail is in other hands. Throws `MailError`.
  func deliver(_ message: MailMessage) async throws
}
