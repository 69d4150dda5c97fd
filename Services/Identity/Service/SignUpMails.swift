internal import IdentityDomain
internal import IdentityStorage
internal import Notices
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// Mails the codes of sign-ups.
///
/// The outbox holds the number of the code, not the code: it is made when the mail is written.
struct SignUpMails: Sendable {
  static let topic = "sign-up.mail"

  let core: IdentityCore
  let transport: any MailTransport
  let sender: String

  /// Orders the mail with a sign-up's present code, in the transaction that issues it.
  static func enqueue(
    _ signUp: SignUp, id: UniqueID, at now: Instant, in transaction: any Transaction
  ) throws {
    try Outbox.append(
      OutboxMessage(
        id: id, topic: topic, aggregateID: "sign-up-mail:\(signUp.id)",
        payload: Array("\(signUp.id) \(signUp.code.generation)".utf8), createdAt: now),
      in: transaction)
  }

  /// The topic's handler. A mail whose code was replaced or is no longer awaited is not sent.
  func deliver(_ message: OutboxMessage) async throws {
    let parts = String(decoding: message.payload, as: UTF8.self).split(separator: " ")
    guard parts.count == 2, let id = SignUpID(String(parts[0])), let generation = Int(parts[1])
    else { throw PermanentDeliveryError("the payload names no code of a sign-up") }
    let found = try await core.database.read { transaction in
      try SignUpStore.find(id, in: transaction)
    }
    guard let signUp = found, signUp.code.generation == generation,
      signUp.stage(at: core.clock.now()) == .awaitingCode
    else { return }
    let text =
      signUp.opensAccount
      ? SignUpMailText.code(core.secrets.codeText(of: signUp), signUp.language)
      : SignUpMailText.accountExists(signUp.language)
    do {
      try await transport.deliver(
        MailMessage(
          id: message.id, from: sender, to: signUp.address.text, subject: text.subject,
          text: text.body, language: signUp.language.rawValue))
    } catch let error as MailError where error.code == .invalidAddress {
      throw PermanentDeliveryError(error.description)
    }
  }
}
