internal import SharedDomain

/// Reads a catalogue file and refuses it unless everything in it holds together.
///
/// The format: sections `[catalogue]`, `[type <id>]` and `[plan <id>]` with `key = value` lines;
/// see the comments in the catalogue that the service ships with. Versions stay stored as the text
/// they were read from, so whatever this reader once took it must take for ever.
package struct CatalogueReader {
  /// The largest file, in bytes.
  package static let sizeLimit = 1 << 20
  /// How many problems are told at once.
  package static let problemLimit = 20
  /// The most product types, and the most plans.
  package static let entryLimit = 2_000

  private var problems: [CatalogueProblem] = []
  private var version = ""
  private var termsVersion = ""
  private var currencies: [Currency] = []
  private var pricesIncludeTax = true
  private var roundedCurrencies: Set<Currency> = []
  private var productTypes: [ProductTypeID: ProductType] = [:]
  private var typeOrder: [ProductTypeID] = []
  private var plans: [PlanID: Plan] = [:]
  private var planOrder: [PlanID] = []

  /// The catalogue that a text holds.
  package static func read(_ text: String) throws(CatalogueError) -> Catalogue {
    guard text.utf8.count <= sizeLimit else {
      throw CatalogueError([
        CatalogueProblem(line: 1, field: "the file", "has more than \(sizeLimit) bytes")
      ])
    }
    var reader = CatalogueReader()
    return try reader.read(CatalogueSections(text))
  }

  private mutating func read(_ file: CatalogueSections) throws(CatalogueError) -> Catalogue {
    problems = file.problems
    for section in file.sections where !["catalogue", "type", "plan"].contains(section.kind) {
      problems.append(
        CatalogueProblem(
          line: section.line, field: section.label,
          "is no section; there are [catalogue], [type <id>] and [plan <id>]"))
    }
    let heads = file.sections.filter { $0.kind == "catalogue" }
    if let head = heads.first {
      readHead(head)
    } else {
      problems.append(CatalogueProblem(line: 1, field: "[catalogue]", "is missing"))
    }
    for extra in heads.dropFirst() {
      problems.append(
        CatalogueProblem(line: extra.line, field: "[catalogue]", "is there a second time"))
    }
    for section in file.sections where section.kind == "type" { readType(section) }
    for section in file.sections where section.kind == "plan" { readPlan(section) }
    checkWhole()
    guard problems.isEmpty else {
      let ordered = problems.sorted { $0.line < $1.line }
      throw CatalogueError(Array(ordered.prefix(Self.problemLimit)))
    }
    return Catalogue(
      version: version, termsVersion: termsVersion, currencies: currencies,
      pricesIncludeTax: pricesIncludeTax, roundedCurrencies: roundedCurrencies,
      productTypes: typeOrder.compactMap { productTypes[$0] },
      plans: planOrder.compactMap { plans[$0] })
  }

  private mutating func readHead(_ section: CatalogueSections.Section) {
    var fields = CatalogueFields(section)
    version = fields.version("version")
    termsVersion = fields.version("terms")
    currencies = fields.currencies("currencies") ?? []
    pricesIncludeTax = fields.yesOrNo("prices-include-tax") ?? true
    roundedCurrencies = Set(fields.currencies("totals-rounded-to-five", required: false) ?? [])
    problems += fields.finish()
  }

  private mutating func readType(_ section: CatalogueSections.Section) {
    var fields = CatalogueFields(section)
    defer { problems += fields.finish() }
    let name = fields.name("name")
    let category = fields.choice("category", Category.self)
    let taxClass = fields.taxClass("tax")
    let periods = fields.periods("months")
    let confirmation = fields.yesOrNo("cancellation-confirmation")
    let domain = fields.yesOrNo("domain-name-required")
    let grace = fields.number("grace-days", 0...365)
    let blocked = fields.number("blocked-days", 0...3650)
    guard let id = ProductTypeID(section.id) else {
      return fields.problem("needs an id of a-z, 0-9 and -, beginning with a letter")
    }
    guard productTypes[id] == nil, !typeOrder.contains(id) else {
      return fields.problem("is there a second time")
    }
    typeOrder.append(id)
    guard let name, let category, let taxClass, let periods, let confirmation, let domain,
      let grace, let blocked
    else { return }
    productTypes[id] = ProductType(
      id: id, name: name, category: category, taxClass: taxClass, periods: periods,
      cancellationNeedsConfirmation: confirmation, domainNameRequired: domain, graceDays: grace,
      blockedDays: blocked)
  }

  private mutating func readPlan(_ section: CatalogueSections.Section) {
    var fields = CatalogueFields(section)
    defer { problems += fields.finish() }
    let name = fields.name("name")
    let typeName = fields.required("type")
    let suffix = fields.domainSuffix("domain-suffix")
    let offered = fields.yesOrNo("offered", required: false) ?? true
    var type: ProductType?
    if let typeName {
      type = ProductTypeID(typeName).flatMap { productTypes[$0] }
      if type == nil && !typeOrder.contains(where: { $0.text == typeName }) {
        fields.problem("type", "is \(typeName), and there is no [type \(typeName)]")
      }
    }
    var prices: [Price] = []
    // Without the head's currencies a price is read all the same, so as not to be called unknown.
    for currency in currencies.isEmpty ? Currency.allCases : currencies {
      prices += fields.prices("price.\(currency.code)", currency, type?.periods)
    }
    if let type, suffix != nil, !type.domainNameRequired {
      fields.problem("domain-suffix", "needs a type that has domain-name-required = yes")
    }
    guard let id = PlanID(section.id) else {
      return fields.problem("needs an id of a-z, 0-9 and -, beginning with a letter")
    }
    guard !planOrder.contains(id) else { return fields.problem("is there a second time") }
    planOrder.append(id)
    guard let name, let type else { return }
    plans[id] = Plan(
      id: id, productTypeID: type.id, name: name, domainSuffix: suffix, isOffered: offered,
      prices: prices)
  }

  private mutating func checkWhole() {
    for (count, what) in [(typeOrder.count, "[type <id>]"), (planOrder.count, "[plan <id>]")] {
      if count == 0 {
        problems.append(CatalogueProblem(line: 1, field: what, "is missing"))
      } else if count > Self.entryLimit {
        problems.append(
          CatalogueProblem(line: 1, field: what, "is there more than \(Self.entryLimit) times"))
      }
    }
    guard problems.isEmpty else { return }
    let used = Set(plans.values.map(\.productTypeID))
    for id in typeOrder where !used.contains(id) {
      problems.append(CatalogueProblem(line: 1, field: "[type \(id)]", "has no plan"))
    }
    if let stray = roundedCurrencies.subtracting(currencies).first {
      problems.append(
        CatalogueProblem(
          line: 1, field: "[catalogue] totals-rounded-to-five",
          "names \(stray.code), which is not among currencies"))
    }
  }
}
