package import SQLCore
package import SharedDomain

/// How the shared domain's values are stored: ids and dates as text, instants as microseconds in
/// columns named `…_us`, currencies and roles by their code.

extension UniqueID: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .id(self) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(text)
  }
}

extension Identifier: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .id(value) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(text)
  }
}

extension Instant: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .integer(microseconds) }

  package init?(sqlValue: SQLValue) {
    guard case .integer(let microseconds) = sqlValue else { return nil }
    self.init(microseconds: microseconds)
  }
}

extension CalendarDate: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(text) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(text)
  }
}

extension Currency: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(code) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let code) = sqlValue else { return nil }
    self.init(rawValue: code)
  }
}

extension Role: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(rawValue) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let name) = sqlValue else { return nil }
    self.init(rawValue: name)
  }
}

extension BillingPeriod: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .integer(Int64(months)) }

  package init?(sqlValue: SQLValue) {
    guard case .integer(let months) = sqlValue else { return nil }
    self.init(months: Int(truncatingIfNeeded: months))
  }
}

extension Row {
  /// An amount whose minor units and currency are two columns.
  package func money(_ minorUnits: String, _ currency: String) throws(SQLError) -> Money {
    Money(minorUnits: try int64(minorUnits), currency: try read(currency))
  }

  /// An instant; the column's name ends in `_us`.
  package func instant(_ column: String) throws(SQLError) -> Instant { try read(column) }

  /// An instant, nil for NULL.
  package func optionalInstant(_ column: String) throws(SQLError) -> Instant? {
    try readOptional(column)
  }
}
