package import SQLCore
internal import ServiceStorage
package import SharedDomain
package import ShopDomain

/// Orders and their lines.
package enum OrderTable {
  /// Stores a new order.
  package static func insert(
    _ order: Order, in transaction: any Transaction
  ) throws(SQLError) {
    let recipient = order.recipient
    try transaction.execute(
      """
      INSERT INTO shop_order (order_id, organization_id, ordered_by, state, catalogue_version,
        currency, rounds_to_five, total_minor_units, given_name, family_name, company_name, street,
        building_number, postal_code, town, country_code, vat_number, accepted_terms_version,
        created_at_us, expires_at_us)
      VALUES (\(order.id), \(order.organizationID), \(order.orderedBy), \(OrderState.pending),
        \(order.quote.catalogueVersion), \(order.quote.currency), \(order.quote.roundsToFive),
        \(order.quote.totals.total.minorUnits), \(recipient.givenName), \(recipient.familyName),
        \(recipient.companyName), \(recipient.street), \(recipient.buildingNumber),
        \(recipient.postalCode), \(recipient.town), \(recipient.countryCode),
        \(recipient.vatNumber), \(order.acceptedTermsVersion), \(order.createdAt),
        \(order.expiresAt))
      """)
    for (position, (line, productID)) in zip(order.quote.lines, order.productIDs).enumerated() {
      try transaction.execute(
        """
        INSERT INTO order_line (order_id, position, plan_id, product_type_id, months, domain_name,
          description, net_minor_units, tax_minor_units, tax_rate_basis_points, category,
          display_name, grace_days, blocked_days, is_free, product_id)
        VALUES (\(order.id), \(position), \(line.planID), \(line.productTypeID), \(line.period),
          \(line.domainName), \(line.description), \(line.price.net.minorUnits),
          \(line.price.tax.minorUnits), \(line.price.rate.basisPoints), \(line.terms.category),
          \(line.terms.displayName), \(line.terms.graceDays), \(line.terms.blockedDays),
          \(line.terms.isFree), \(productID))
        """)
    }
  }

  /// Stores how far an order is; nothing else of it ever changes. The attempts are
  /// ``PaymentAttemptTable``'s.
  package static func update(
    _ order: Order, in transaction: any Transaction
  ) throws(SQLError) {
    let state: OrderState
    var payment: OrderPayment?
    switch order.progress {
    case .pending: state = .pending
    case .paying: state = .paying
    case .cancelled: state = .cancelled
    case .paid(let made):
      state = .paid
      payment = made
    }
    try transaction.execute(
      """
      UPDATE shop_order
      SET state = \(state), paid_at_us = \(payment?.paidAt), invoice_id = \(payment?.invoiceID)
      WHERE order_id = \(order.id)
      """)
  }

  /// The order of an organization, or nil.
  package static func order(
    _ id: OrderID, of organizationID: OrganizationID, in transaction: any Transaction
  ) throws(SQLError) -> Order? {
    try orders(
      """
      o.order_id = \(id) AND o.organization_id = \(organizationID)
      """, in: transaction
    ).first
  }

  /// The order, whosever it is, or nil: for work that no caller asks for.
  package static func order(
    _ id: OrderID, in transaction: any Transaction
  ) throws(SQLError) -> Order? {
    try orders("o.order_id = \(id)", in: transaction).first
  }

  /// The sort key of a list of orders.
  package struct Key: Sendable, Hashable {
    package let createdAt: Instant
    package let id: OrderID

    package init(createdAt: Instant, id: OrderID) {
      self.createdAt = createdAt
      self.id = id
    }
  }

  /// Orders of an organization, newest first, at most `limit`, those after `after` only.
  package static func orders(
    of organizationID: OrganizationID, in state: OrderState?, at now: Instant, after: Key?,
    limit: Int, in transaction: any Transaction
  ) throws(SQLError) -> [Order] {
    var condition: SQL = "o.organization_id = \(organizationID)"
    switch state {
    case nil: break
    case .pending: condition.append(" AND o.state = 'PENDING' AND o.expires_at_us > \(now)")
    case .lapsed: condition.append(" AND o.state = 'PENDING' AND o.expires_at_us <= \(now)")
    case .paying, .paid, .cancelled: condition.append(" AND o.state = \(state)")
    }
    if let after {
      condition.append(
        " AND (o.created_at_us, o.order_id) < (\(after.createdAt), \(after.id))")
    }
    condition.append(" ORDER BY o.created_at_us DESC, o.order_id DESC LIMIT \(limit)")
    return try orders(condition, in: transaction)
  }

  private static func orders(
    _ condition: SQL, in transaction: any Transaction
  ) throws(SQLError) -> [Order] {
    let rows = try transaction.rows(
      """
      SELECT o.order_id, o.organization_id, o.ordered_by, o.state, o.catalogue_version, o.currency,
        o.rounds_to_five, o.given_name, o.family_name, o.company_name, o.street,
        o.building_number, o.postal_code, o.town, o.country_code, o.vat_number,
        o.accepted_terms_version, o.created_at_us, o.expires_at_us, o.paid_at_us, o.invoice_id,
        a.attempt_id, a.user_id, a.supply_start, a.started_at_us
      FROM shop_order o
      LEFT JOIN payment_attempt a ON a.order_id = o.order_id AND a.state = 'PAYING'
      WHERE \(condition)
      """)
    guard !rows.isEmpty else { return [] }
    var ids: [OrderID] = []
    for row in rows { ids.append(try row.read("order_id")) }
    var lines: [OrderID: [Row]] = [:]
    for row in try transaction.rows(
      """
      SELECT order_id, plan_id, product_type_id, months, domain_name, description,
        net_minor_units, tax_minor_units, tax_rate_basis_points, category, display_name,
        grace_days, blocked_days, is_free, product_id
      FROM order_line WHERE order_id IN (\(list: ids)) ORDER BY order_id, position
      """)
    {
      lines[try row.read("order_id"), default: []].append(row)
    }
    var orders: [Order] = []
    for (row, id) in zip(rows, ids) { orders.append(try order(row, id, lines[id] ?? [])) }
    return orders
  }

  private static func order(
    _ row: Row, _ id: OrderID, _ lineRows: [Row]
  ) throws(SQLError) -> Order {
    let currency: Currency = try row.read("currency")
    var lines: [QuoteLine] = []
    var productIDs: [ProductID] = []
    for lineRow in lineRows {
      lines.append(try line(lineRow, currency))
      productIDs.append(try lineRow.read("product_id"))
    }
    let quote: Quote
    do {
      quote = try Quote(
        currency: currency, catalogueVersion: try row.text("catalogue_version"), lines: lines,
        roundsToFive: try row.bool("rounds_to_five"))
    } catch let error as SQLError {
      throw error
    } catch {
      throw SQLError(.unexpectedValue, "the lines of order \(id) do not add up: \(error)")
    }
    return Order(
      id: id, organizationID: try row.read("organization_id"),
      orderedBy: try row.read("ordered_by"), quote: quote, productIDs: productIDs,
      recipient: try recipient(row), acceptedTermsVersion: try row.text("accepted_terms_version"),
      createdAt: try row.instant("created_at_us"), expiresAt: try row.instant("expires_at_us"),
      progress: try progress(row, id))
  }

  private static func line(_ row: Row, _ currency: Currency) throws(SQLError) -> QuoteLine {
    let basisPoints = try row.int64("tax_rate_basis_points")
    guard let rate = TaxRate(basisPoints: basisPoints) else {
      throw SQLError(.unexpectedValue, "tax_rate_basis_points holds no tax rate")
    }
    return QuoteLine(
      planID: try row.read("plan_id"), productTypeID: try row.read("product_type_id"),
      period: try row.read("months"), domainName: try row.readOptional("domain_name"),
      description: try row.text("description"),
      price: PricedLine(
        net: Money(minorUnits: try row.int64("net_minor_units"), currency: currency),
        tax: Money(minorUnits: try row.int64("tax_minor_units"), currency: currency), rate: rate),
      terms: try row.productTerms())
  }

  private static func recipient(_ row: Row) throws(SQLError) -> Party {
    Party(
      givenName: try row.text("given_name"), familyName: try row.text("family_name"),
      companyName: try row.text("company_name"), street: try row.text("street"),
      buildingNumber: try row.text("building_number"), postalCode: try row.text("postal_code"),
      town: try row.text("town"), countryCode: try row.text("country_code"),
      vatNumber: try row.text("vat_number"))
  }

  private static func progress(_ row: Row, _ id: OrderID) throws(SQLError) -> Order.Progress {
    let state: OrderState = try row.read("state")
    switch state {
    case .pending: return .pending
    case .cancelled: return .cancelled
    case .paid:
      return .paid(
        OrderPayment(
          paidAt: try row.instant("paid_at_us"), invoiceID: try row.readOptional("invoice_id")))
    case .paying:
      return .paying(
        PaymentAttempt(
          id: try row.read("attempt_id"), userID: try row.read("user_id"),
          startedAt: try row.instant("started_at_us"), supplyStart: try row.read("supply_start")))
    case .lapsed:
      throw SQLError(.unexpectedValue, "order \(id) is stored as LAPSED")
    }
  }
}
