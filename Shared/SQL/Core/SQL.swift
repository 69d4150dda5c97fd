/// One SQL statement with its parameters, written as an interpolated literal:
/// `"SELECT name FROM user_account WHERE id = \(id)"`.
///
/// An interpolated value becomes a bound parameter, never text. Another `SQL` may be interpolated
/// too and is spliced in as text with its own parameters, so lists of columns and conditions can be
/// shared. A `String` is not an `SQL`: text made at run time cannot become a statement by accident.
package struct SQL: Sendable, Hashable, ExpressibleByStringInterpolation {
  /// The statement with a `marker` where each parameter stands. Equal text means the same
  /// statement, so drivers use it as the key of their statement cache.
  package private(set) var template: String

  /// The parameters in the order of their markers.
  package private(set) var values: [SQLValue]

  /// Stands for a parameter in `template`; never part of a statement's own text.
  static let marker: Unicode.Scalar = "\u{1}"
  fileprivate static var markerText: String { "\u{1}" }

  package init(stringLiteral value: String) {
    template = value
    values = []
  }

  package init(stringInterpolation: StringInterpolation) {
    template = stringInterpolation.template
    values = stringInterpolation.values
  }

  /// The parts in order, with the separator between them: `SQL.joined(conditions, " AND ")`.
  package static func joined(_ parts: [SQL], _ separator: SQL) -> SQL {
    var result: SQL = ""
    for (index, part) in parts.enumerated() {
      if index > 0 { result.append(separator) }
      result.append(part)
    }
    return result
  }

  /// Adds the other's text and parameters at the end.
  package mutating func append(_ other: SQL) {
    template += other.template
    values += other.values
  }

  /// The text to hand to the database, with numbered placeholders of the dialect.
  ///
  /// A statement whose own text holds the marker is a programmer's error and traps.
  package func rendered(for dialect: Dialect) -> String {
    if values.isEmpty && !template.unicodeScalars.contains(Self.marker) { return template }
    var text = ""
    text.reserveCapacity(template.utf8.count + 2 * values.count)
    var number = 0
    for scalar in template.unicodeScalars {
      if scalar == Self.marker {
        number += 1
        text += dialect.placeholder(number)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    precondition(number == values.count, "an SQL statement's text holds U+0001")
    return text
  }

  /// Collects text and parameters of an interpolated literal.
  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var template = ""
    fileprivate var values: [SQLValue] = []

    package init(literalCapacity: Int, interpolationCount: Int) {
      template.reserveCapacity(literalCapacity + interpolationCount)
      values.reserveCapacity(interpolationCount)
    }

    package mutating func appendLiteral(_ literal: String) {
      template += literal
    }

    /// Binds a value.
    package mutating func appendInterpolation(_ value: some SQLConvertible) {
      // Quicker than a scalar's append, which is generic.
      template += SQL.markerText
      values.append(value.sqlValue)
    }

    /// Binds a value, or NULL for nil.
    package mutating func appendInterpolation<Value: SQLConvertible>(_ value: Value?) {
      template += SQL.markerText
      values.append(value?.sqlValue ?? .null)
    }

    /// Splices another statement's text and parameters in.
    package mutating func appendInterpolation(_ fragment: SQL) {
      template += fragment.template
      values += fragment.values
    }

    /// Binds each value, comma between them, as in `IN (\(list: ids))`. An empty list becomes
    /// `NULL`, which is in no row.
    package mutating func appendInterpolation(list: [some SQLConvertible]) {
      if list.isEmpty { template += "NULL" }
      for (index, value) in list.enumerated() {
        if index > 0 { template += ", " }
        appendInterpolation(value)
      }
    }
  }
}
