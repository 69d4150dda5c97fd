import SharedDomain
import ShopDomain

/// A catalogue small enough to read: net prices, so that the vectors of ACC-9 are list prices.
let netCatalogueText = """
  [catalogue]
  version = net-1
  terms = terms-1
  currencies = CHF, EUR
  prices-include-tax = no
  totals-rounded-to-five = CHF

  [type web-hosting]
  name = Web hosting
  category = web-and-domain
  tax = standard
  months = 1, 12
  cancellation-confirmation = yes
  domain-name-required = no
  grace-days = 7
  blocked-days = 30

  [plan hosting-start]
  type = web-hosting
  name = Start
  price.CHF = 1: 5.75, 12: 119.88
  price.EUR = 1: 5.75, 12: 119.88

  [plan hosting-old]
  type = web-hosting
  name = Old
  offered = no
  price.CHF = 1: 1.00, 12: 10.00
  price.EUR = 1: 1.00, 12: 10.00

  [type domain-name]
  name = Domain name
  category = web-and-domain
  tax = standard
  months = 12
  cancellation-confirmation = yes
  domain-name-required = yes
  grace-days = 14
  blocked-days = 40

  [plan domain-ch]
  type = domain-name
  name = .ch
  domain-suffix = ch
  price.CHF = 12: 12.90
  price.EUR = 12: 13.90

  [type free-mail]
  name = Free mail
  category = mail-and-collaboration
  tax = standard
  months = 12
  cancellation-confirmation = yes
  domain-name-required = no
  grace-days = 7
  blocked-days = 30

  [plan free-mail-personal]
  type = free-mail
  name = Personal
  price.CHF = 12: 0.00
  price.EUR = 12: 0.00
  """

/// The same catalogue with prices that include tax.
let grossCatalogueText = netCatalogueText.replacing(
  "prices-include-tax = no", with: "prices-include-tax = yes")

extension String {
  /// The text with every occurrence of a part replaced.
  func replacing(_ part: String, with other: String) -> String {
    var result = ""
    var rest = self[...]
    while let range = rest.firstRange(of: part) {
      result += rest[..<range.lowerBound] + other
      rest = rest[range.upperBound...]
    }
    return result + rest
  }
}

/// A day, as tests write it.
func day(_ text: String) -> CalendarDate {
  guard let date = CalendarDate(text) else { preconditionFailure("\(text) is no day") }
  return date
}

/// An id that only a number tells apart.
func id<Subject>(_ number: UInt64) -> Identifier<Subject> {
  Identifier(UniqueID(at: Instant(microseconds: 0), random: 0, moreRandom: number))
}

func months(_ count: Int) -> BillingPeriod {
  guard let period = BillingPeriod(months: count) else { preconditionFailure("no period") }
  return period
}

func chf(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: .chf) }

let anyParty = Party(
  givenName: "Ada", familyName: "Muster", companyName: "", street: "Weg", buildingNumber: "1",
  postalCode: "8000", town: "Zürich", countryCode: "CH", vatNumber: "")
