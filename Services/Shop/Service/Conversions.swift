internal import RequestValidation
internal import SharedDomain
internal import ShopAPI
internal import ShopDomain

extension ShopDomain.Category {
  /// The category as it crosses the wire.
  var message: ShopAPI.Category {
    switch self {
    case .webAndDomain: .webAndDomain
    case .mailAndCollaboration: .mailAndCollaboration
    case .cloudAndStorage: .cloudAndStorage
    case .streamingAndEvents: .streamingAndEvents
    case .tools: .tools
    }
  }
}

extension SharedDomain.TaxClass {
  /// The tax class as it crosses the wire.
  var message: ShopAPI.TaxClass {
    switch self {
    case .standard: .standard
    case .reduced: .reduced
    case .accommodation: .accommodation
    }
  }
}

extension ShopDomain.OrderState {
  /// The state as it crosses the wire.
  var message: ShopAPI.OrderState {
    switch self {
    case .pending: .pending
    case .paying: .paying
    case .paid: .paid
    case .cancelled: .cancelled
    case .lapsed: .lapsed
    }
  }
}

extension ShopDomain.ProductState {
  /// The state as it crosses the wire.
  var message: ShopAPI.ProductState {
    switch self {
    case .pending: .pending
    case .active: .active
    case .grace: .grace
    case .blocked: .blocked
    case .terminated: .terminated
    }
  }
}

extension FieldChecks {
  /// A category; nil where it is not given, or wrong.
  mutating func category(
    _ value: ShopAPI.Category, _ field: String
  ) -> ShopDomain.Category? {
    if value == .unspecified { return nil }
    if let found = ShopDomain.Category.allCases.first(where: { $0.message == value }) {
      return found
    }
    fail(field, "is \(value.rawValue), which is no category")
    return nil
  }

  /// An order's state; nil where it is not given, or wrong.
  mutating func state(
    _ value: ShopAPI.OrderState, _ field: String
  ) -> ShopDomain.OrderState? {
    if value == .unspecified { return nil }
    if let found = ShopDomain.OrderState.allCases.first(where: { $0.message == value }) {
      return found
    }
    fail(field, "is \(value.rawValue), which is no state of an order")
    return nil
  }

  /// A product's state; nil where it is not given, or wrong.
  mutating func state(
    _ value: ShopAPI.ProductState, _ field: String
  ) -> ShopDomain.ProductState? {
    if value == .unspecified { return nil }
    if let found = ShopDomain.ProductState.allCases.first(where: { $0.message == value }) {
      return found
    }
    fail(field, "is \(value.rawValue), which is no state of a product")
    return nil
  }

  /// The id of a product type; nil where it is empty, or wrong.
  mutating func productTypeID(_ value: String, _ field: String) -> ProductTypeID? {
    if value.isEmpty { return nil }
    if let id = ProductTypeID(value) { return id }
    fail(field, "is \(value.shown), which is no id of a product type")
    return nil
  }
}

extension ShopAPI.OrderLine {
  /// The line as the domain takes it.
  var requested: RequestedLine {
    RequestedLine(planID: planID, months: Int(months), domainName: domainName)
  }
}

extension ShopDomain.Quote {
  /// The quote as it crosses the wire.
  var message: ShopAPI.Quote {
    ShopAPI.Quote(
      lines: lines.map { line in
        ShopAPI.QuoteLine(
          planID: line.planID.text, productTypeID: line.productTypeID.text,
          description: line.description, months: Int32(truncatingIfNeeded: line.period.months),
          domainName: line.domainName?.text ?? "", net: line.price.net.message,
          tax: line.price.tax.message,
          taxRateBasisPoints: Int32(truncatingIfNeeded: line.price.rate.basisPoints))
      },
      totals: totals.message, catalogueVersion: catalogueVersion)
  }
}

extension ShopDomain.Order {
  /// The order as it crosses the wire, at a moment.
  func message(at now: Instant) -> ShopAPI.Order {
    var message = ShopAPI.Order(
      orderID: id.text, organizationID: organizationID.text, state: state(at: now).message,
      quote: quote.message, recipient: recipient.message,
      acceptedTermsVersion: acceptedTermsVersion, createTime: createdAt.timestamp,
      expireTime: expiresAt.timestamp)
    if case .paid(let payment) = progress {
      message.payTime = payment.paidAt.timestamp
      message.invoiceID = payment.invoiceID?.text ?? ""
      message.productIDs = productIDs.map(\.text)
    }
    return message
  }
}

extension ShopDomain.Product {
  /// The product as it crosses the wire, on a day.
  func message(on today: CalendarDate) -> ShopAPI.Product {
    let current = currentTerm(on: today)
    return ShopAPI.Product(
      productID: id.text, organizationID: organizationID.text,
      productTypeID: productTypeID.text, category: terms.category.message, planID: planID.text,
      displayName: terms.displayName, domainName: domainName?.text ?? "",
      state: state(on: today).message, periodStart: current.start.message,
      periodEnd: current.end.message, months: Int32(truncatingIfNeeded: current.period.months),
      currencyCode: currency.code, orderID: orderID.text, createTime: createdAt.timestamp)
  }
}

extension ShopDomain.Renewal {
  /// The renewal as it crosses the wire.
  var message: ShopAPI.Renewal {
    ShopAPI.Renewal(
      productID: productID.text, description: description, periodStart: term.start.message,
      periodEnd: term.end.message, months: Int32(truncatingIfNeeded: term.period.months),
      price: price.message, priceIncludesTax: priceIncludesTax, taxClass: taxClass.message)
  }
}
