package import SQLCore
package import SharedDomain
package import ShopDomain
internal import ShopStorage

/// Puts a catalogue in force at the start of the service.
package enum CatalogueLoader {
  /// Checks a catalogue's text, stores its version, and answers the catalogue.
  ///
  /// - Throws: `CatalogueError` with everything that is wrong in the text, `CatalogueConflict`
  ///   where it does not fit what is stored, `SQLError`. Nothing is stored then.
  package static func load(
    _ text: String, into database: any Database, clock: any WallClock
  ) async throws -> Catalogue {
    let catalogue = try CatalogueReader.read(text)
    let now = clock.now()
    let today = clock.localDate(now)
    try await database.write { transaction in
      let outcome = try CatalogueTable.store(
        version: catalogue.version, content: text, at: now, in: transaction)
      if outcome == .contentDiffers { throw CatalogueConflict.contentChanged(catalogue.version) }
      for terms in try ProductTable.renewalTerms(on: today, in: transaction)
      where catalogue.plan(terms.planID)?.price(terms.currency, terms.period) == nil {
        throw CatalogueConflict.priceMissing(
          catalogue.version, terms.planID, terms.currency, terms.period, products: terms.count)
      }
    }
    return catalogue
  }
}

/// Why a catalogue that is right in itself is refused.
package enum CatalogueConflict: Error, Sendable, Hashable, CustomStringConvertible {
  /// The version was loaded before with other content.
  case contentChanged(String)
  /// Products renew at a price that this version lacks.
  case priceMissing(String, PlanID, Currency, BillingPeriod, products: Int)

  /// One line, with the way out.
  package var description: String {
    switch self {
    case .contentChanged(let version):
      "the catalogue was changed, but its version is still \(version): give it a new one"
    case .priceMissing(let version, let plan, let currency, let period, let products):
      "catalogue \(version) has no price of plan \(plan) in \(currency.code) for "
        + "\(period.months) months, at which \(products) products renew: keep the plan, with "
        + "offered = no where it is sold no more"
    }
  }
}
