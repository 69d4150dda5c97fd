internal import AccountingAPI
internal import CommonAPI
internal import IdentityAPI
internal import OrganizationsAPI
internal import RPCCore
internal import ShopAPI

/// An answer that the path does not allow.
struct Unexpected: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A customer who walks the path over the generated client stubs.
struct Customer {
  let channel: any ClientChannel
  let mailbox: Mailbox
  private let email: String
  private let password = "plum-anchor-teapot-violin-42"
  private let uniqueText: String

  init(channel: any ClientChannel, mailbox: Mailbox) {
    self.channel = channel
    self.mailbox = mailbox
    uniqueText = String(UInt64.random(in: .min ... .max), radix: 36)
    email = "grace-\(uniqueText)@example.org"
  }

  /// Signs up by ordering web hosting and a domain, and enters the mailed code.
  func signUp() async throws -> SignUp {
    let catalogue = CatalogueServiceClient(channel: channel)
    let terms = try await catalogue.getCatalogue(GetCatalogueRequest()).termsVersion
    let client = SignUpServiceClient(channel: channel)
    let begun = try await client.signUp(
      SignUpRequest(
        requestID: "sign-up-\(uniqueText)", email: email, password: password,
        party: BillingParty(
          givenName: "Grace", familyName: "Hopper", street: "Rue du Marché", buildingNumber: "2",
          postalCode: "1204", town: "Genève", countryCode: "CH"),
        language: .english, acceptedTermsVersion: terms, currencyCode: "CHF",
        lines: [
          OrderLine(planID: try await plan(of: "web-hosting"), months: 12),
          OrderLine(
            planID: try await plan(of: "domain-name"), months: 12,
            domainName: "grace-\(uniqueText).ch"),
        ]))
    guard let signUp = begun.signUp else { throw Unexpected("no sign-up") }
    let code = try await mailbox.code(for: email)
    _ = try await client.confirmSignUp(
      ConfirmSignUpRequest(
        requestID: "confirm-\(uniqueText)", signUpID: signUp.signUpID, code: code))
    return try await settled("the sign-up") {
      let state = try await client.getSignUp(GetSignUpRequest(signUpID: signUp.signUpID)).signUp
      return state?.state == .complete ? state : nil
    }
  }

  /// The first plan of a type with a yearly price.
  private func plan(of productType: String) async throws -> String {
    let plans = try await CatalogueServiceClient(channel: channel)
      .listPlans(ListPlansRequest(productTypeID: productType, currencyCode: "CHF")).plans
    guard let plan = plans.first(where: { $0.prices.contains { $0.months == 12 } }) else {
      throw Unexpected("no yearly plan of \(productType)")
    }
    return plan.planID
  }

  /// Signs in and returns the options that carry the access token.
  func signIn() async throws -> CallOptions {
    let answer = try await SessionServiceClient(channel: channel).signIn(
      SignInRequest(email: email, password: password, deviceName: "path-client"))
    guard let token = answer.tokens?.accessToken else { throw Unexpected("no token") }
    var options = CallOptions(timeout: .seconds(20))
    options.metadata.append("authorization", "Bearer \(token)")
    return options
  }

  /// Tops up by the sandbox card provider, which reports the payment twice.
  func topUp(_ amount: CommonAPI.Money, _ options: CallOptions) async throws {
    let begun = try await TopUpServiceClient(channel: channel).createTopUp(
      CreateTopUpRequest(requestID: "top-up-\(uniqueText)", amount: amount, method: .card),
      options: options)
    guard let topUp = begun.topUp else { throw Unexpected("no top-up") }
    let event = try await SandboxCardServiceClient(channel: channel).completeCardPayment(
      CompleteCardPaymentRequest(providerReference: topUp.providerReference, amount: amount))
    for _ in 0..<2 {
      _ = try await ProviderEventServiceClient(channel: channel).deliverProviderEvent(
        DeliverProviderEventRequest(
          provider: topUp.provider, payload: event.payload, signature: event.signature))
    }
  }

  /// The balance in CHF, in centimes.
  func balance(_ options: CallOptions) async throws -> Int64 {
    let answer = try await PrepaidServiceClient(channel: channel).getPrepaidAccount(
      GetPrepaidAccountRequest(currencyCode: "CHF"), options: options)
    guard let balance = answer.account?.balance else { throw Unexpected("no balance") }
    return balance.minorUnits
  }

  /// Pays an order from the prepaid account.
  func pay(order orderID: String, _ options: CallOptions) async throws -> Order {
    let client = OrderServiceClient(channel: channel)
    _ = try await client.payOrder(
      PayOrderRequest(
        requestID: "pay-\(uniqueText)", orderID: orderID, paymentMethod: .prepaid),
      options: options)
    return try await settled("the order") {
      let order = try await client.getOrder(GetOrderRequest(orderID: orderID), options: options)
      return order.order?.state == .paid ? order.order : nil
    }
  }

  /// Renews one product from the due list and returns it.
  func renew(product productID: String, _ options: CallOptions) async throws -> Product {
    let due = DueListServiceClient(channel: channel)
    let items = try await due.listDueItems(
      ListDueItemsRequest(dateFilter: .all(true)), options: options
    ).items
    guard let item = items.first(where: { $0.productID == productID }) else {
      throw Unexpected("the product is not on the due list")
    }
    let quote = try await due.quoteDueItems(
      QuoteDueItemsRequest(
        requestID: "quote-\(uniqueText)", dueItemIDs: [item.dueItemID]), options: options)
    guard let quote = quote.quote else { throw Unexpected("no quote") }
    let paid = try await due.payDueItems(
      PayDueItemsRequest(
        requestID: "renew-\(uniqueText)", paymentQuoteID: quote.paymentQuoteID), options: options)
    guard let payment = paid.payment else { throw Unexpected("no payment") }
    _ = try await settled("the payment") {
      let read = try await due.getPayment(
        GetPaymentRequest(paymentID: payment.paymentID), options: options)
      return read.payment?.state == .complete ? read.payment : nil
    }
    let read = try await ProductServiceClient(channel: channel).getProduct(
      GetProductRequest(productID: productID), options: options)
    guard let product = read.product, product.periodStart == item.periodStart else {
      throw Unexpected("the renewed period does not begin at the old end")
    }
    return product
  }

  /// The sum of all movements on the prepaid account, in centimes.
  func statementSum(_ options: CallOptions) async throws -> Int64 {
    let answer = try await PrepaidServiceClient(channel: channel).listPrepaidMovements(
      ListPrepaidMovementsRequest(currencyCode: "CHF", pageSize: 100), options: options)
    return answer.movements.reduce(0) { $0 &+ ($1.amount?.minorUnits ?? 0) }
  }

  /// Reads a state until it is the final one.
  private func settled<Value>(
    _ what: String, _ read: () async throws -> Value?
  ) async throws -> Value {
    for _ in 0..<200 {
      if let value = try await read() { return value }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Unexpected("\(what) is not settled")
  }
}
