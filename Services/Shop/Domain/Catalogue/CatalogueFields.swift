internal import SharedDomain

/// Reads the entries of one section by key, and collects what is wrong with them.
struct CatalogueFields {
  private let section: CatalogueSections.Section
  private var read: Set<String> = []
  private var problems: [CatalogueProblem] = []

  /// The highest price, in minor units: with the order's limit of lines no sum overflows.
  static let priceLimit: Int64 = 100_000_000

  init(_ section: CatalogueSections.Section) {
    self.section = section
  }

  /// Everything that was wrong, unknown keys included.
  mutating func finish() -> [CatalogueProblem] {
    for entry in section.entries where !read.contains(entry.key) {
      add(entry.line, entry.key, "is no key of \(section.label)")
    }
    return problems
  }

  /// Notes a problem of the section as a whole.
  mutating func problem(_ explanation: String) {
    problems.append(
      CatalogueProblem(line: section.line, field: section.label, explanation))
  }

  /// Notes a problem of one key.
  mutating func problem(_ key: String, _ explanation: String) {
    let line = section.entries.first { $0.key == key }?.line
    add(line ?? section.line, key, explanation)
  }

  private mutating func add(_ line: Int, _ key: String, _ explanation: String) {
    problems.append(
      CatalogueProblem(line: line, field: "\(section.label) \(key)", explanation))
  }

  private mutating func optional(_ key: String) -> String? {
    read.insert(key)
    return section.entries.first { $0.key == key }?.value
  }

  mutating func required(_ key: String) -> String? {
    guard let value = optional(key) else {
      problem(key, "is missing")
      return nil
    }
    guard !value.isEmpty else {
      problem(key, "is empty")
      return nil
    }
    return value
  }

  mutating func name(_ key: String) -> String? {
    guard let value = required(key) else { return nil }
    let scalars = value.unicodeScalars
    guard scalars.count <= 80,
      !scalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      problem(key, "must be at most 80 characters, none of them a control character")
      return nil
    }
    return value
  }

  /// Letters, digits, dots and hyphens, at most 32; empty after a problem.
  mutating func version(_ key: String) -> String {
    guard let value = required(key) else { return "" }
    let allowed = value.utf8.allSatisfy {
      (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
        || $0 == 0x2D || $0 == 0x2E
    }
    guard allowed, value.utf8.count <= 32 else {
      problem(key, "is \(value); it must be at most 32 letters, digits, dots and hyphens")
      return ""
    }
    return value
  }

  mutating func yesOrNo(_ key: String, required isRequired: Bool = true) -> Bool? {
    guard let value = isRequired ? required(key) : optional(key) else { return nil }
    switch value {
    case "yes": return true
    case "no": return false
    default:
      problem(key, "is \(value); it must be yes or no")
      return nil
    }
  }

  mutating func number(_ key: String, _ range: ClosedRange<Int>) -> Int? {
    guard let value = required(key) else { return nil }
    guard let number = Int(value), range.contains(number) else {
      problem(key, "is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return number
  }

  mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Value.Type
  ) -> Value? where Value.RawValue == String {
    guard let value = required(key) else { return nil }
    guard let found = Value(rawValue: value) else {
      let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
      problem(key, "is \(value); it must be one of \(names)")
      return nil
    }
    return found
  }

  mutating func taxClass(_ key: String) -> TaxClass? {
    guard let value = required(key) else { return nil }
    guard let found = TaxClass.allCases.first(where: { $0.rawValue.lowercased() == value }) else {
      let names = TaxClass.allCases.map { $0.rawValue.lowercased() }.joined(separator: ", ")
      problem(key, "is \(value); it must be one of \(names)")
      return nil
    }
    return found
  }

  mutating func currencies(_ key: String, required isRequired: Bool = true) -> [Currency]? {
    guard let value = isRequired ? required(key) : optional(key) else { return nil }
    var found: [Currency] = []
    for code in Self.list(value) {
      guard let currency = Currency(rawValue: code) else {
        let names = Currency.allCases.map(\.code).joined(separator: ", ")
        problem(key, "names \(code); the currencies are \(names)")
        return nil
      }
      guard !found.contains(currency) else {
        problem(key, "names \(code) twice")
        return nil
      }
      found.append(currency)
    }
    return found
  }

  mutating func periods(_ key: String) -> [BillingPeriod]? {
    guard let value = required(key) else { return nil }
    var found: [BillingPeriod] = []
    for text in Self.list(value) {
      guard let months = Int(text), let period = BillingPeriod(months: months) else {
        problem(key, "names \(text); a billing period has 1 to 120 months")
        return nil
      }
      guard period.months > found.last?.months ?? 0 else {
        problem(key, "must rise: \(text) is not longer than the one before")
        return nil
      }
      found.append(period)
    }
    return found
  }

  mutating func domainSuffix(_ key: String) -> String? {
    guard let value = optional(key) else { return nil }
    guard (try? DomainName("x.\(value)")) != nil, value == value.lowercased() else {
      problem(key, "is \(value); it must be a domain name's ending, such as ch or co.uk")
      return nil
    }
    return value
  }

  /// `1: 9.90, 3: 28.50`: one price for each of the type's periods.
  mutating func prices(
    _ key: String, _ currency: Currency, _ periods: [BillingPeriod]?
  ) -> [Price] {
    guard let value = required(key) else { return [] }
    var found: [Price] = []
    for item in Self.list(value) {
      let parts = item.utf8.split(separator: 0x3A, omittingEmptySubsequences: false)
        .map { CatalogueSections.trimmed(Substring($0)) }
      guard parts.count == 2, let months = Int(parts[0]),
        let period = BillingPeriod(months: months)
      else {
        problem(key, "has \"\(item)\"; a price is written months: amount, such as 12: 99.00")
        return []
      }
      guard !parts[1].hasPrefix("-") else {
        problem(key, "is negative for \(months) months")
        return []
      }
      guard let minorUnits = Self.minorUnits(parts[1]) else {
        problem(
          key,
          "is \(parts[1]) for \(months) months; an amount has two decimals and is at most 1000000.00"
        )
        return []
      }
      guard !found.contains(where: { $0.period == period }) else {
        problem(key, "has two prices for \(months) months")
        return []
      }
      if let periods, !periods.contains(period) {
        problem(key, "has a price for \(months) months, which the type does not have")
        return []
      }
      found.append(
        Price(period: period, amount: Money(minorUnits: minorUnits, currency: currency)))
    }
    for period in periods ?? [] where !found.contains(where: { $0.period == period }) {
      problem(key, "has no price for \(period.months) months")
    }
    return found.sorted { $0.period.months < $1.period.months }
  }

  /// The items of a list with commas.
  private static func list(_ text: String) -> [String] {
    text.utf8.split(separator: 0x2C, omittingEmptySubsequences: false)
      .map { CatalogueSections.trimmed(Substring($0)) }
  }

  /// `99.00` as 9900; nil unless it has one to seven digits, a dot and two decimals.
  private static func minorUnits(_ text: String) -> Int64? {
    let parts = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard parts.count == 2, (1...7).contains(parts[0].count), parts[1].count == 2 else {
      return nil
    }
    var value: Int64 = 0
    for byte in parts.joined() {
      guard (0x30...0x39).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - 0x30)
    }
    return value <= priceLimit ? value : nil
  }
}
