internal import RPCCore
internal import SharedDomain
internal import ShopDomain

extension ShopError {
  /// How the error is answered: the only place where the shop's errors become statuses.
  var status: RPCError {
    switch self {
    case .lineCount(let count):
      return Self.invalid(
        "lines", "has \(count) elements; expected 1 to \(Quote.lineLimit)")
    case .linesRefused(let problems):
      return Self.invalid(problems.map(\.violation))
    case .currencyNotOffered(let currency, let offered):
      let codes = offered.map(\.code).joined(separator: ", ")
      return Self.invalid("currency_code", "is \(currency.code); the catalogue has \(codes)")
    case .amountOutOfRange:
      return RPCError(
        .outOfRange, reason: "AMOUNT_OUT_OF_RANGE", "the sum of the lines is too large")
    case .termsOutdated(let accepted, let current):
      let description =
        "is \(accepted.shown), and version \(current) of the terms is in force: show the customer "
        + "the present terms, then order with \(current)"
      return RPCError(
        .invalidArgument, reason: "TERMS_OUTDATED", "accepted_terms_version: \(description)",
        metadata: ["terms_version": current],
        fields: [FieldViolation(field: "accepted_terms_version", description: description)])
    case .catalogueVersionUnknown(let version):
      return RPCError(
        .failedPrecondition, reason: "CATALOGUE_VERSION_UNKNOWN",
        "there never was a catalogue version \(version.shown): ask for a new quote")
    case .quoteDiffers(let version):
      return RPCError(
        .failedPrecondition, reason: "QUOTE_DIFFERS",
        "the quote is not what version \(version) of the catalogue says: ask for a new quote",
        metadata: ["catalogue_version": version])
    case .orderNotFound(let id):
      return RPCError(
        .notFound, reason: "ORDER_NOT_FOUND",
        "there is no order \(id) in the active organization")
    case .orderNotPending(let id, let state):
      return RPCError(
        .failedPrecondition, reason: "ORDER_NOT_PENDING",
        "order \(id) is \(state.rawValue); only a PENDING order can be paid or cancelled",
        metadata: ["order_id": id.text, "state": state.rawValue])
    case .orderBeingPaid(let id):
      return RPCError(
        .failedPrecondition, reason: "ORDER_BEING_PAID",
        "a payment of order \(id) is under way: read the order until it is PAID or PENDING again",
        metadata: ["order_id": id.text])
    case .requestIDReused(let requestID):
      return RPCError(
        .alreadyExists, reason: "IDEMPOTENCY_KEY_REUSED",
        "request_id \(requestID) was used for another request: choose a new one")
    case .productNotFound(let id):
      return RPCError(
        .notFound, reason: "PRODUCT_NOT_FOUND",
        "there is no product \(id) in the organization, or it was not granted to you")
    case .renewalConflict(let id, let periodStart, let productEnd):
      return RPCError(
        .failedPrecondition, reason: "RENEWAL_CONFLICT",
        "product \(id) ends on \(productEnd), and the paid period begins on \(periodStart)",
        metadata: ["product_id": id.text, "period_end": productEnd.text])
    case .renewalDiffers(let id, let paymentID):
      return RPCError(
        .alreadyExists, reason: "IDEMPOTENCY_KEY_REUSED",
        "payment \(paymentID) has renewed product \(id) for another period",
        metadata: ["product_id": id.text])
    case .productNotRenewable(let id, let state):
      return RPCError(
        .failedPrecondition, reason: "PRODUCT_NOT_RENEWABLE",
        "product \(id) is \(state.rawValue) and has no period to pay for",
        metadata: ["product_id": id.text, "state": state.rawValue])
    case .renewalPeriodNotOffered(let id, let months):
      return RPCError(
        .failedPrecondition, reason: "RENEWAL_PERIOD_NOT_OFFERED",
        "the plan of product \(id) has no price for \(months) months",
        metadata: ["product_id": id.text])
    }
  }

  private static func invalid(_ field: String, _ description: String) -> RPCError {
    invalid([FieldViolation(field: field, description: description)])
  }

  private static func invalid(_ violations: [FieldViolation]) -> RPCError {
    let first = violations.first.map { "\($0.field): \($0.description)" } ?? "a field is wrong"
    let more = violations.count > 1 ? " (and \(violations.count - 1) more)" : ""
    return RPCError(
      .invalidArgument, reason: "INVALID_REQUEST", "\(first)\(more)", fields: violations)
  }
}

extension LineProblem {
  /// The field at fault, and what was expected.
  var violation: FieldViolation {
    let (field, description): (String, String) =
      switch kind {
      case .unknownPlan(let text):
        (
          "plan_id",
          text.isEmpty ? "is required" : "is \(text.shown); the catalogue has no such plan"
        )
      case .planNotOffered(let id): ("plan_id", "is \(id), which is sold no more")
      case .unknownPeriod(let months, let offered):
        (
          "months",
          "is \(months); the plan has \(offered.map(String.init).joined(separator: ", "))"
        )
      case .domainNameMissing(let type): ("domain_name", "is required for \(type)")
      case .domainNameMalformed(let problem): ("domain_name", problem.explanation)
      case .domainNameEnding(let suffix):
        ("domain_name", "must be one label followed by .\(suffix), such as example.\(suffix)")
      case .domainNameTwice(let name, let line):
        ("domain_name", "is \(name), which lines[\(line)] has already")
      }
    return FieldViolation(field: "lines[\(index)].\(field)", description: description)
  }
}

extension DomainNameProblem {
  fileprivate var explanation: String {
    switch self {
    case .notASCII:
      "has a letter beyond ASCII; write an internationalized name in its xn-- form"
    case .tooLong: "has more than 253 characters"
    case .noTopLevelDomain: "must have a top-level domain, such as example.ch"
    case .labelLength: "has a part between dots that is empty or longer than 63 characters"
    case .hyphenAtEnd: "has a part that begins or ends with a hyphen"
    case .character: "may have letters, digits, hyphens and dots only"
    }
  }
}

extension String {
  /// A caller's text as an error shows it: in quotes, cut, and without what is not printable.
  var shown: String {
    var text = "\""
    for scalar in unicodeScalars.prefix(40) {
      let isShown =
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
      text.unicodeScalars.append(isShown ? scalar : "\u{FFFD}")
    }
    return text + (unicodeScalars.count > 40 ? "…\"" : "\"")
  }
}
