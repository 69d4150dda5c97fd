/// A person or company with a postal address, as an invoice names it (ACC-8).
package struct Party: Sendable, Hashable {
  package let givenName: String
  package let familyName: String
  /// Empty for a private person.
  package let companyName: String
  package let street: String
  /// May be empty.
  package let buildingNumber: String
  package let postalCode: String
  package let town: String
  /// ISO 3166-1 alpha-2, upper case.
  package let countryCode: String
  /// Empty for a private person.
  package let vatNumber: String

  package init(
    givenName: String, familyName: String, companyName: String, street: String,
    buildingNumber: String, postalCode: String, town: String, countryCode: String,
    vatNumber: String
  ) {
    self.givenName = givenName
    self.familyName = familyName
    self.companyName = companyName
    self.street = street
    self.buildingNumber = buildingNumber
    self.postalCode = postalCode
    self.town = town
    self.countryCode = countryCode
    self.vatNumber = vatNumber
  }

  /// The name that an organization of this party gets: the company's, else first and last name
  /// (ORG-1).
  package var organizationName: String {
    companyName.isEmpty ? "\(givenName) \(familyName)" : companyName
  }
}
