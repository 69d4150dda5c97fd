package import SharedDomain

/// Why the shop refuses: the one closed set of its domain errors.
package enum ShopError: Error, Sendable, Hashable {
  /// An order has 1 to ``Quote/lineLimit`` lines.
  case lineCount(Int)
  /// Some lines are wrong; everything that is wrong is told.
  case linesRefused([LineProblem])
  case currencyNotOffered(Currency, offered: [Currency])
  /// A sum does not fit.
  case amountOutOfRange
  /// The customer accepted other terms than those in force (SHOP-6).
  case termsOutdated(accepted: String, current: String)
  /// No such version of the catalogue was ever loaded.
  case catalogueVersionUnknown(String)
  /// The quote is not what that version of the catalogue says (SHOP-4).
  case quoteDiffers(catalogueVersion: String)
  case orderNotFound(OrderID)
  /// The order was paid or cancelled, or it lapsed.
  case orderNotPending(OrderID, OrderState)
  /// A payment is under way, its outcome not known yet.
  case orderBeingPaid(OrderID)
  /// The same request id came with another order.
  case requestIDReused(String)
  case productNotFound(ProductID)
  /// The paid period does not begin at the product's end (ACC-3).
  case renewalConflict(ProductID, periodStart: CalendarDate, productEnd: CalendarDate)
  /// The same payment was applied with another period.
  case renewalDiffers(ProductID, PaymentID)
  /// The product costs nothing and renews by itself, or it is over or not in service yet.
  case productNotRenewable(ProductID, ProductState)
  /// The plan has no price for so many months.
  case renewalPeriodNotOffered(ProductID, months: Int)
}
