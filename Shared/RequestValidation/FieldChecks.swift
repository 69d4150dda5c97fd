package import CommonAPI
package import RPCCore
package import SharedDomain

/// Collects every wrong field of a request, so that one answer names them all.
///
/// Each check answers the domain value, or nil (for texts: an empty string) after noting what is
/// wrong; ``finish()`` or ``values(_:)`` then throws. Field names are those of the `.proto` file, as paths:
/// `lines[0].plan_id`.
package struct FieldChecks: Sendable {
  private var violations: [FieldViolation] = []

  package init() {}

  /// Notes that a field is wrong; `description` says what was expected.
  package mutating func fail(_ field: String, _ description: String) {
    violations.append(FieldViolation(field: field, description: description))
  }

  /// Whether nothing wrong was noted so far.
  package var isClean: Bool { violations.isEmpty }

  /// Throws INVALID_ARGUMENT with reason `INVALID_REQUEST` and every violation, if there is one.
  package func finish() throws(RPCError) {
    guard let first = violations.first else { return }
    let more = violations.count == 1 ? "" : " (and \(violations.count - 1) more)"
    throw RPCError(
      .invalidArgument, reason: "INVALID_REQUEST",
      "\(first.field): \(first.description)\(more)", fields: violations)
  }

  /// What the checks answered, once nothing wrong was noted; throws as ``finish()`` does otherwise.
  ///
  /// A check that answers nil has noted why. Should one not have, that is our fault and not the
  /// caller's: INTERNAL, since nothing that a caller sends may end a service.
  package func values<each Value>(
    _ values: repeat (each Value)?
  ) throws(RPCError) -> (repeat each Value) {
    try finish()
    return (repeat try FieldChecks.checked(each values))
  }

  private static func checked<Value>(_ value: Value?) throws(RPCError) -> Value {
    guard let value else {
      throw RPCError(.internalError, "a check answered nil without a violation")
    }
    return value
  }

  /// A text of `length` characters (Unicode scalars) without control characters.
  package mutating func text(
    _ value: String, _ field: String, _ length: ClosedRange<Int>
  ) -> String {
    let count = value.unicodeScalars.count
    if value.isEmpty, length.lowerBound > 0 {
      fail(field, "is required")
    } else if !length.contains(count) {
      fail(field, "has \(count) characters; expected \(length.lowerBound) to \(length.upperBound)")
    } else if value.unicodeScalars.contains(where: FieldChecks.isControl) {
      fail(field, "contains a control character")
    } else if length.lowerBound > 0, value.allSatisfy(\.isWhitespace) {
      fail(field, "is blank")
    } else {
      return value
    }
    return ""
  }

  /// A control character, a line or paragraph separator, or a mark that reorders text.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    default:
      return (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }
  }

  /// An id in UUID text.
  package mutating func identifier<Subject>(
    _ value: String, _ field: String
  ) -> Identifier<Subject>? {
    if let identifier = Identifier<Subject>(value) { return identifier }
    fail(field, value.isEmpty ? "is required" : "is not a UUID in lower case: \(quoted(value))")
    return nil
  }

  /// A currency code.
  package mutating func currency(_ code: String, _ field: String) -> Currency? {
    if let currency = Currency(rawValue: code) { return currency }
    let known = Currency.allCases.map(\.code).joined(separator: ", ")
    fail(
      field, code.isEmpty ? "is required: \(known)" : "is \(quoted(code)); expected one of \(known)"
    )
    return nil
  }

  /// An amount of money, greater than zero unless `positive` is false.
  package mutating func money(
    _ value: CommonAPI.Money?, _ field: String, positive: Bool = true
  ) -> SharedDomain.Money? {
    guard let value else {
      fail(field, "is required")
      return nil
    }
    guard let currency = currency(value.currencyCode, "\(field).currency_code") else { return nil }
    if positive, value.minorUnits <= 0 {
      fail("\(field).minor_units", "is \(value.minorUnits); expected more than 0")
      return nil
    }
    return SharedDomain.Money(minorUnits: value.minorUnits, currency: currency)
  }

  /// A calendar date; nil without a complaint where it is not set and not `required`.
  package mutating func date(
    _ value: CommonAPI.Date?, _ field: String, required: Bool = true
  ) -> CalendarDate? {
    guard let value else {
      if required { fail(field, "is required") }
      return nil
    }
    if let date = CalendarDate(
      year: Int(value.year), month: Int(value.month), day: Int(value.day))
    {
      return date
    }
    fail(field, "is no calendar date: year \(value.year), month \(value.month), day \(value.day)")
    return nil
  }

  /// A count within a range, such as the number of lines.
  package mutating func count(_ count: Int, _ field: String, _ range: ClosedRange<Int>) {
    if !range.contains(count) {
      fail(field, "has \(count) elements; expected \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// A billing party; nil where any part is wrong.
  package mutating func party(_ value: BillingParty?, _ field: String) -> Party? {
    guard let value else {
      fail(field, "is required")
      return nil
    }
    let before = violations.count
    let country = text(value.countryCode, "\(field).country_code", 2...2)
    if !country.isEmpty, !country.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) {
      fail("\(field).country_code", "is \(quoted(country)); expected two upper-case letters")
    }
    let party = Party(
      givenName: text(value.givenName, "\(field).given_name", 1...70),
      familyName: text(value.familyName, "\(field).family_name", 1...70),
      companyName: text(value.companyName, "\(field).company_name", 0...70),
      street: text(value.street, "\(field).street", 1...70),
      buildingNumber: text(value.buildingNumber, "\(field).building_number", 0...16),
      postalCode: text(value.postalCode, "\(field).postal_code", 1...16),
      town: text(value.town, "\(field).town", 1...35),
      countryCode: country,
      vatNumber: text(value.vatNumber, "\(field).vat_number", 0...20))
    return violations.count == before ? party : nil
  }

  /// A value of the caller's as an error shows it: cut, and without control characters.
  private func quoted(_ value: String) -> String {
    let shown = value.unicodeScalars.prefix(40).map {
      FieldChecks.isControl($0) ? "\u{FFFD}" : String($0)
    }
    return "\"\(shown.joined())\(value.unicodeScalars.count > 40 ? "…" : "")\""
  }
}
