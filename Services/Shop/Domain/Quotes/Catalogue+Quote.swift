package import SharedDomain

extension Catalogue {
  /// Prices lines for a supply that begins on `date`, whose tax rates count (ACC-9, SHOP-4).
  ///
  /// - Throws: `lineCount`, `currencyNotOffered`, `linesRefused` with everything that is wrong in
  ///   any line.
  package func quote(
    _ requested: [RequestedLine], in currency: Currency, on date: CalendarDate
  ) throws(ShopError) -> Quote {
    guard (1...Quote.lineLimit).contains(requested.count) else {
      throw .lineCount(requested.count)
    }
    guard currencies.contains(currency) else {
      throw .currencyNotOffered(currency, offered: currencies)
    }
    var lines: [QuoteLine] = []
    var problems: [LineProblem] = []
    var names: [DomainUse: Int] = [:]
    for (index, request) in requested.enumerated() {
      switch try line(request, currency, date) {
      case .failure(let kinds):
        problems += kinds.kinds.map { LineProblem(index: index, $0) }
      case .success(let line):
        if let name = line.domainName {
          let use = DomainUse(type: line.productTypeID, name: name)
          if let earlier = names[use] {
            problems.append(LineProblem(index: index, .domainNameTwice(name, line: earlier)))
          } else {
            names[use] = index
          }
        }
        lines.append(line)
      }
    }
    guard problems.isEmpty else { throw .linesRefused(problems) }
    do {
      return try Quote(
        currency: currency, catalogueVersion: version, lines: lines,
        roundsToFive: roundedCurrencies.contains(currency))
    } catch {
      throw .amountOutOfRange
    }
  }

  private struct DomainUse: Hashable {
    let type: ProductTypeID
    let name: DomainName
  }

  private struct Problems: Error {
    let kinds: [LineProblem.Kind]
  }

  private func line(
    _ request: RequestedLine, _ currency: Currency, _ date: CalendarDate
  ) throws(ShopError) -> Result<QuoteLine, Problems> {
    guard let id = PlanID(request.planID), let (plan, type) = offer(id) else {
      return .failure(Problems(kinds: [.unknownPlan(request.planID)]))
    }
    var problems: [LineProblem.Kind] = []
    if !plan.isOffered { problems.append(.planNotOffered(id)) }
    let period = BillingPeriod(months: request.months)
    let listPrice = period.flatMap { plan.price(currency, $0) }
    if listPrice == nil {
      problems.append(.unknownPeriod(request.months, offered: type.periods.map(\.months)))
    }
    var domainName: DomainName?
    if !request.domainName.isEmpty {
      do {
        let name = try DomainName(request.domainName)
        if let suffix = plan.domainSuffix, !name.isDirectly(under: suffix) {
          problems.append(.domainNameEnding(suffix))
        }
        domainName = name
      } catch {
        problems.append(.domainNameMalformed(error))
      }
    } else if type.domainNameRequired {
      problems.append(.domainNameMissing(type.id))
    }
    guard let period, let listPrice, problems.isEmpty else {
      return .failure(Problems(kinds: problems))
    }
    let price: PricedLine
    do {
      price = try PricedLine(
        listPrice: listPrice, includesTax: pricesIncludeTax,
        rate: .swiss(type.taxClass, suppliedOn: date))
    } catch {
      throw .amountOutOfRange
    }
    let terms = ProductTerms(
      category: type.category, displayName: "\(type.name) \(plan.name)",
      graceDays: type.graceDays, blockedDays: type.blockedDays, isFree: listPrice.isZero)
    return .success(
      QuoteLine(
        planID: plan.id, productTypeID: type.id, period: period, domainName: domainName,
        description: Self.description(terms.displayName, domainName, period), price: price,
        terms: terms))
  }

  /// What a line is, for people: `Web hosting Start, example.ch, 12 months`.
  package static func description(
    _ displayName: String, _ domainName: DomainName?, _ period: BillingPeriod
  ) -> String {
    let months = period.months == 1 ? "1 month" : "\(period.months) months"
    let domain = domainName.map { ", \($0)" } ?? ""
    return "\(displayName)\(domain), \(months)"
  }
}
