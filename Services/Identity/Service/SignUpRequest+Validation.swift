internal import CommonAPI
internal import IdentityAPI
internal import IdentityDomain
internal import RPCCore
internal import RequestValidation
internal import SharedDomain
internal import ShopAPI

/// A sign-up's request after it was found right.
struct SignUpDraft: Sendable {
  let address: EmailAddress
  let language: IdentityDomain.Language
  let party: Party
  let acceptedTermsVersion: String
  let quote: Quote
}

/// Checks a sign-up's request, here and with the shop, so that one answer names every wrong field.
struct SignUpValidation: Sendable {
  /// Lines of an order.
  static let lineCount = 1...50

  let catalogue: CatalogueServiceClient

  func draft(
    _ request: SignUpRequest, _ context: ServerContext
  ) async throws -> SignUpDraft {
    var checks = FieldChecks()
    let fields = Self.localFields(request, &checks)
    var quote: Quote?
    do {
      let version = try await termsVersion(context)
      if fields.acceptedTermsVersion != version, !fields.acceptedTermsVersion.isEmpty {
        checks.fail("accepted_terms_version", "is not the version in force: accept \(version)")
      }
      if Self.lineCount.contains(request.lines.count) {
        quote = try await self.quote(request, context, &checks)
      }
    } catch {
      // What is wrong here is told even while the shop is away.
      try Self.finish(checks)
      throw RPCError.peerFailed("shop", error, context)
    }
    try Self.finish(checks)
    guard let address = fields.address, let language = fields.language, let party = fields.party,
      let quote
    else { throw RPCError(.internalError, "a sign-up without faults is incomplete") }
    return SignUpDraft(
      address: address, language: language, party: party,
      acceptedTermsVersion: fields.acceptedTermsVersion, quote: quote)
  }

  private typealias Fields = (
    address: EmailAddress?, language: IdentityDomain.Language?, party: Party?,
    acceptedTermsVersion: String
  )

  private static func localFields(_ request: SignUpRequest, _ checks: inout FieldChecks) -> Fields {
    checks.requestID(request.requestID)
    let address = checks.email(request.email)
    checks.newPassword(request.password, address)
    let party = checks.party(request.party, "party")
    let language = IdentityDomain.Language(request.language)
    if language == nil {
      checks.fail("language", "is \(request.language.rawValue), which is no language")
    }
    let terms = checks.text(request.acceptedTermsVersion, "accepted_terms_version", 1...64)
    _ = checks.currency(request.currencyCode, "currency_code")
    checks.count(request.lines.count, "lines", lineCount)
    return (address, language, party, terms)
  }

  private func termsVersion(_ context: ServerContext) async throws -> String {
    try await catalogue.getCatalogue(GetCatalogueRequest(), options: context.peerOptions())
      .termsVersion
  }

  /// The shop's price of the lines; nil after noting what it found wrong, under the same names.
  private func quote(
    _ request: SignUpRequest, _ context: ServerContext, _ checks: inout FieldChecks
  ) async throws -> Quote? {
    do {
      let answer = try await catalogue.quoteOrder(
        QuoteOrderRequest(lines: request.lines, currencyCode: request.currencyCode),
        options: context.peerOptions())
      guard let quote = answer.quote else {
        throw RPCError(.internalError, "the shop answered without a quote")
      }
      return quote
    } catch let error as RPCError where error.code == .invalidArgument && !error.fields.isEmpty {
      for field in error.fields { checks.fail(field.field, field.description) }
      return nil
    }
  }

  /// Throws every violation once: where two checks found a field wrong, the first one's word.
  private static func finish(_ checks: FieldChecks) throws(RPCError) {
    do throws(RPCError) {
      try checks.finish()
    } catch {
      var named: Set<String> = []
      var once = FieldChecks()
      for field in error.fields where named.insert(field.field).inserted {
        once.fail(field.field, field.description)
      }
      try once.finish()
    }
  }
}
