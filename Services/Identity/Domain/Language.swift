/// A language in which mails are written (NOTE-1).
package enum Language: String, Sendable, Hashable, CaseIterable {
  case german = "de"
  case french = "fr"
  case italian = "it"
  case english = "en"
}
