import Notices
import Synchronization

/// Keeps mails instead of sending them; a mail delivered again replaces the first.
final class RecordingMail: MailTransport {
  private let messages = Mutex<[MailMessage]>([])

  func deliver(_ message: MailMessage) async throws {
    messages.withLock { $0.append(message) }
  }

  func all(to address: String) -> [MailMessage] {
    messages.withLock { $0 }.filter { $0.to == address }
  }

  var count: Int { messages.withLock { $0.count } }
}
