/// One key of a service's configuration: its name, what it means, its default and its form.
///
/// Declared once as a constant and used as the key to its value:
/// ```
/// extension Setting where Value == String {
///   static var mailFolder: Setting { .path("mail.folder", "folder for outgoing mail", default: "mails") }
/// }
/// let folder = configuration[.mailFolder]
/// ```
package struct Setting<Value: Sendable>: Sendable {
  /// The key: lower-case words joined by dots (`listen.port`).
  package let name: String
  /// One line on what it means, for `--help`.
  package let summary: String
  /// The form in a word or two, for `--help`: `number from 0 to 65535`.
  package let form: String
  /// The default as it would be written in the file; nil when there is none.
  package let defaultText: String?
  /// Whether the key may stay unset although it has no default.
  package let isOptional: Bool
  /// Whether the flag may stand without a value, which means `true`.
  package let isSwitch: Bool
  /// The value when the key is unset and optional.
  let unset: Value?
  /// Reads a value; the error's text goes on from the quoted value: `is no number`.
  let parse: @Sendable (String) throws(MalformedValue) -> Value

  /// - Precondition: the name is a key.
  package init(
    _ name: String, _ summary: String, form: String, default defaultText: String?,
    isSwitch: Bool = false, parse: @escaping @Sendable (String) throws(MalformedValue) -> Value
  ) {
    self.init(
      name: name, summary: summary, form: form, defaultText: defaultText, isOptional: false,
      isSwitch: isSwitch, unset: nil, parse: parse)
  }

  private init(
    name: String, summary: String, form: String, defaultText: String?, isOptional: Bool,
    isSwitch: Bool, unset: Value?,
    parse: @escaping @Sendable (String) throws(MalformedValue) -> Value
  ) {
    precondition(isKey(name), "a key is lower-case words joined by dots")
    self.name = name
    self.summary = summary
    self.form = form
    self.defaultText = defaultText
    self.isOptional = isOptional
    self.isSwitch = isSwitch
    self.unset = unset
    self.parse = parse
  }

  /// The same key that may stay unset: its value is nil then.
  package var optional: Setting<Value?> {
    let parse = parse
    return Setting<Value?>(
      name: name, summary: summary, form: form, defaultText: nil, isOptional: true,
      isSwitch: isSwitch, unset: .some(nil)
    ) { (text: String) throws(MalformedValue) -> Value? in try parse(text) }
  }

  /// The same key with another default.
  package func withDefault(_ text: String) -> Setting {
    Setting(
      name: name, summary: summary, form: form, defaultText: text, isOptional: false,
      isSwitch: isSwitch, unset: nil, parse: parse)
  }
}

/// A value of the wrong form; the reason goes on from the value: `is no whole number`.
package struct MalformedValue: Error, Sendable, Hashable {
  package let reason: String
  /// Whether errors leave the value out, which may be secret.
  package let hidesValue: Bool

  package init(_ reason: String, hidesValue: Bool = false) {
    self.reason = reason
    self.hidesValue = hidesValue
  }
}

/// A setting of whatever type, as the list of a service's keys holds it.
package protocol DeclaredSetting: Sendable {
  /// The key.
  var name: String { get }
  /// One line on what it means.
  var summary: String { get }
  /// The form in a word or two.
  var form: String { get }
  /// The default as it would be written in the file.
  var defaultText: String? { get }
  /// Whether the key may stay unset although it has no default.
  var isOptional: Bool { get }
  /// Whether the flag may stand without a value.
  var isSwitch: Bool { get }

  /// The value that a text stands for, boxed; nil text means unset.
  func resolved(_ text: String?) throws(MalformedValue) -> (any Sendable)?
}

/// A value with its exact type, so that an optional one is told from an absent one.
struct ResolvedValue<Value: Sendable>: Sendable {
  let value: Value
}

extension Setting: DeclaredSetting {
  package func resolved(_ text: String?) throws(MalformedValue) -> (any Sendable)? {
    if let text { return ResolvedValue(value: try parse(text)) }
    return unset.map { ResolvedValue(value: $0) }
  }
}
