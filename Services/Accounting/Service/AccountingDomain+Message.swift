internal import AccountingAPI
internal import AccountingDomain
internal import RequestValidation
internal import SharedDomain

/// The domain's values as they cross the wire.

extension AccountingDomain.EntryKind {
  var message: MovementKind {
    switch self {
    case .topUp: .topUp
    case .orderPayment: .orderPayment
    case .duePayment: .duePayment
    }
  }
}

extension AccountingDomain.PrepaidMovement {
  var message: AccountingAPI.PrepaidMovement {
    AccountingAPI.PrepaidMovement(
      entryID: entryID.text, createTime: postedAt.timestamp, kind: kind.message,
      amount: amount.message, balance: balance.message, referenceID: reference.text,
      description: description)
  }
}

extension AccountingDomain.TopUpMethod {
  var message: AccountingAPI.TopUpMethod {
    switch self {
    case .card: .card
    }
  }

  init?(_ message: AccountingAPI.TopUpMethod) {
    switch message {
    case .card: self = .card
    case .unspecified, .unrecognized: return nil
    }
  }
}

extension AccountingDomain.TopUpState {
  var message: AccountingAPI.TopUpState {
    switch self {
    case .created: .created
    case .pending: .pending
    case .settled: .settled
    case .failed: .failed
    case .expired: .expired
    }
  }
}

extension AccountingDomain.TopUp {
  /// The top-up as it stands at a moment.
  func message(at now: Instant) -> AccountingAPI.TopUp {
    AccountingAPI.TopUp(
      topUpID: id.text, amount: amount.message, method: method.message,
      state: state(at: now).message, provider: provider.name,
      providerReference: providerReference, createTime: createdAt.timestamp,
      expireTime: expiresAt.timestamp, settleTime: settledAt?.timestamp)
  }
}

extension AccountingDomain.InvoiceLine {
  var message: AccountingAPI.InvoiceLine {
    AccountingAPI.InvoiceLine(
      description: description, productID: productID?.text ?? "",
      periodStart: periodStart.message, periodEnd: periodEnd.message, net: net.message,
      tax: tax.message, taxRateBasisPoints: Int32(truncatingIfNeeded: rate.basisPoints))
  }
}

extension AccountingDomain.InvoiceState {
  var message: AccountingAPI.InvoiceState {
    switch self {
    case .open: .open
    case .paid: .paid
    }
  }
}

extension AccountingDomain.Supplier {
  var message: AccountingAPI.Supplier {
    AccountingAPI.Supplier(
      name: name, street: street, postalCode: postalCode, town: town, countryCode: countryCode,
      vatNumber: vatNumber)
  }
}

extension AccountingDomain.Invoice {
  var message: AccountingAPI.Invoice {
    AccountingAPI.Invoice(
      invoiceID: id.text, number: number.text, state: state.message,
      issueDate: issueDate.message, supplier: supplier.message, recipient: recipient.message,
      lines: lines.map(\.message), totals: totals.message, orderID: orderID?.text ?? "",
      paymentID: paymentID?.text ?? "")
  }
}

extension AccountingDomain.DueItem {
  var message: AccountingAPI.DueItem {
    var message = AccountingAPI.DueItem(
      dueItemID: id.text, description: description, dueDate: dueDate.message,
      overdue: isOverdue, totals: totals.message)
    switch subject {
    case .renewal(let renewal):
      message.kind = .renewal
      message.productID = renewal.productID.text
      message.periodStart = renewal.periodStart.message
      message.periodEnd = renewal.periodEnd.message
    case .invoice(let invoice):
      message.kind = .invoice
      message.invoiceID = invoice.text
    }
    return message
  }
}

extension AccountingDomain.PaymentQuote {
  var message: AccountingAPI.PaymentQuote {
    AccountingAPI.PaymentQuote(
      paymentQuoteID: id.text, lines: items.map(\.line.message), totals: totals.message,
      expireTime: expiresAt.timestamp)
  }
}

extension AccountingDomain.Payment {
  var message: AccountingAPI.Payment {
    AccountingAPI.Payment(
      paymentID: id.text, state: state.message, amount: amount.message,
      invoiceID: invoiceID.text, createTime: createdAt.timestamp)
  }
}

extension AccountingDomain.PaymentState {
  var message: AccountingAPI.PaymentState {
    switch self {
    case .paid: .paid
    case .complete: .complete
    }
  }
}
