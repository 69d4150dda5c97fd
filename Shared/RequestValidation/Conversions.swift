package import CommonAPI
package import GoogleAPI
package import SharedDomain

extension SharedDomain.Money {
  /// The amount as it crosses the wire.
  package var message: CommonAPI.Money {
    CommonAPI.Money(currencyCode: currency.code, minorUnits: minorUnits)
  }
}

extension CalendarDate {
  /// The date as it crosses the wire.
  package var message: CommonAPI.Date {
    CommonAPI.Date(
      year: Int32(truncatingIfNeeded: year), month: Int32(truncatingIfNeeded: month),
      day: Int32(truncatingIfNeeded: day))
  }
}

extension Instant {
  /// The instant as it crosses the wire.
  package var timestamp: Timestamp {
    var (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    if fraction < 0 {
      seconds -= 1
      fraction += 1_000_000
    }
    return Timestamp(seconds: seconds, nanos: Int32(truncatingIfNeeded: fraction * 1000))
  }

  /// The instant of a timestamp, cut to microseconds; nil where it is out of range.
  package init?(_ timestamp: Timestamp) {
    guard (0..<1_000_000_000).contains(timestamp.nanos) else { return nil }
    let (whole, overflow) = timestamp.seconds.multipliedReportingOverflow(by: 1_000_000)
    guard !overflow else { return nil }
    let (sum, sumOverflow) = whole.addingReportingOverflow(Int64(timestamp.nanos) / 1000)
    guard !sumOverflow else { return nil }
    self.init(microseconds: sum)
  }
}

extension PriceTotals {
  /// The sums as they cross the wire.
  package var message: Totals {
    Totals(
      net: net.message,
      taxLines: taxLines.map {
        CommonAPI.TaxLine(
          rateBasisPoints: Int32(truncatingIfNeeded: $0.rate.basisPoints), net: $0.net.message,
          tax: $0.tax.message)
      },
      tax: tax.message, rounding: rounding.message, total: total.message)
  }
}

extension Party {
  /// The party as it crosses the wire.
  package var message: BillingParty {
    BillingParty(
      givenName: givenName, familyName: familyName, companyName: companyName, street: street,
      buildingNumber: buildingNumber, postalCode: postalCode, town: town,
      countryCode: countryCode, vatNumber: vatNumber)
  }
}
