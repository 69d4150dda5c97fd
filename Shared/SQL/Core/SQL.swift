/// One SQL statement with its parameters, written as an interpolated literal:
/// `"SELECT name FROM user_account WHERE id = \(id)"`.
///
/// An interpolated value becomes a bound parameter, never text. Another `SQL` may be interpolated
/// too and is spliced in as text with its own parameters, so lists of columns and conditions can be
/// shared. A `String` is not an `SQL`: text made at run time cannot become a statement by accident.
package struct SQL: Sendable, Hashable, ExpressibleByStringInterpolation {
  /// The statement's text; drivers use it as the key of their statement cache.
  package private(set) var template: SQLTemplate

  /// The parameters in the order of their places in the template.
  package private(set) var values: [SQLValue]

  package init(stringLiteral value: StaticString) {
    template = SQLTemplate(value)
    values = []
  }

  package init(stringInterpolation: StringInterpolation) {
    template = stringInterpolation.template
    values = stringInterpolation.values
  }

  /// A statement whose text is made at run time, from the program's own names of tables and the
  /// like: nothing that comes from outside may be in it.
  package init(trustedText text: String) {
    template = SQLTemplate(trustedText: text)
    values = []
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
    template.append(other.template)
    values += other.values
  }

  /// The text to hand to the database, with numbered placeholders of the dialect.
  package func rendered(for dialect: Dialect) -> String { template.rendered(for: dialect) }

  /// Collects text and parameters of an interpolated literal.
  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var template: SQLTemplate
    fileprivate var values: [SQLValue] = []

    package init(literalCapacity: Int, interpolationCount: Int) {
      template = SQLTemplate(capacity: 2 * interpolationCount + 1)
      values.reserveCapacity(interpolationCount)
    }

    package mutating func appendLiteral(_ literal: StaticString) {
      template.append(literal)
    }

    /// Binds a value as it is stored.
    package mutating func bind(_ value: SQLValue) {
      template.appendParameter()
      values.append(value)
    }

    /// Binds a value.
    @inlinable
    package mutating func appendInterpolation(_ value: some SQLConvertible) {
      bind(value.sqlValue)
    }

    /// Binds a value, or NULL for nil.
    @inlinable
    package mutating func appendInterpolation<Value: SQLConvertible>(_ value: Value?) {
      bind(value?.sqlValue ?? .null)
    }

    /// Splices another statement's text and parameters in.
    package mutating func appendInterpolation(_ fragment: SQL) {
      template.append(fragment.template)
      values += fragment.values
    }

    /// Binds each value, comma between them, as in `IN (\(list: ids))`. An empty list becomes
    /// `NULL`, which is in no row.
    package mutating func appendInterpolation(list: [some SQLConvertible]) {
      if list.isEmpty { template.append("NULL") }
      for (index, value) in list.enumerated() {
        if index > 0 { template.append(", ") }
        bind(value.sqlValue)
      }
    }
  }
}
