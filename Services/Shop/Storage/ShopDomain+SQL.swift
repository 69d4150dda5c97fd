package import SQLCore
package import ShopDomain

/// How the shop's values are stored: all of them by their text.

extension PlanID: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(text) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(text)
  }
}

extension ProductTypeID: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(text) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(text)
  }
}

extension DomainName: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(text) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue, let name = try? DomainName(text) else { return nil }
    self = name
  }
}

extension Category: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(rawValue) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(rawValue: text)
  }
}

extension OrderState: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(rawValue) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(rawValue: text)
  }
}

extension Product.Stage: SQLConvertible, SQLReadable {
  package var sqlValue: SQLValue { .text(rawValue) }

  package init?(sqlValue: SQLValue) {
    guard case .text(let text) = sqlValue else { return nil }
    self.init(rawValue: text)
  }
}

extension Row {
  /// The columns that an order line and a product share.
  func productTerms() throws(SQLError) -> ProductTerms {
    ProductTerms(
      category: try read("category"), displayName: try text("display_name"),
      graceDays: try int("grace_days"), blockedDays: try int("blocked_days"),
      isFree: try bool("is_free"))
  }
}
