internal import Bootstrap
internal import Notices

/// Passwords that wait to be hashed or checked at most; each takes tens of milliseconds.
let passwordQueueCapacity = 256

extension Setting where Value == String {
  /// `mail.folder`
  static var mailFolder: Setting {
    .path("mail.folder", "folder that outgoing mails are put into, one .eml file each")
  }

  /// `mail.from`
  static var mailFrom: Setting {
    Setting(
      "mail.from", "address that mails come from", form: "address, or name <address>",
      default: "Kontor <noreply@kontor.example>"
    ) { text throws(MalformedValue) in
      guard MailAddress(text) != nil else { throw MalformedValue("is no mail address") }
      return text
    }
  }
}

extension Setting where Value == Int {
  /// `passwords.threads`
  static var passwordThreads: Setting {
    .number(
      "passwords.threads", "passwords that are hashed at once; each takes 19 MiB", in: 1...64,
      default: "2")
  }
}
