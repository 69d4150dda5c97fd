internal import CommonAPI
internal import GoogleAPI
internal import IdentityAPI
internal import IdentityDomain
internal import Messages
internal import RPCCore
internal import RequestValidation
internal import ServiceStorage
internal import SharedDomain
internal import ShopAPI

extension IdentityDomain.SignUp {
  /// The sign-up on the wire, as it stands at a moment.
  func message(at now: Instant) throws -> IdentityAPI.SignUp {
    IdentityAPI.SignUp(
      signUpID: id.text, state: stage(at: now).message, expireTime: expiresAt.timestamp,
      quote: try Quote(serialized: quote), userID: userID?.text ?? "",
      organizationID: organizationID?.text ?? "", orderID: orderID?.text ?? "")
  }
}

extension IdentityDomain.SignUp.Stage {
  fileprivate var message: SignUpState {
    switch self {
    case .awaitingCode: .awaitingCode
    case .opening: .opening
    case .complete: .complete
    case .expired: .expired
    }
  }
}

extension IdentityDomain.Session {
  /// The session on the wire.
  ///
  /// - Parameter current: the session of the call.
  func message(current: SessionID) -> IdentityAPI.Session {
    IdentityAPI.Session(
      sessionID: id.text, deviceName: deviceName, createTime: createdAt.timestamp,
      refreshTime: refreshedAt.timestamp, current: id == current,
      organizationID: organizationID?.text ?? "")
  }
}

extension UserAccount {
  /// The user on the wire.
  var message: User {
    User(
      userID: id.text, email: address.text, givenName: givenName, familyName: familyName,
      initials: initials, createTime: createdAt.timestamp)
  }
}

extension IdentityDomain.Language {
  /// The language that a request asks for; nil for a number that no language has.
  init?(_ message: CommonAPI.Language) {
    switch message {
    case .unspecified, .english: self = .english
    case .german: self = .german
    case .french: self = .french
    case .italian: self = .italian
    case .unrecognized: return nil
    }
  }
}

extension FieldChecks {
  /// A request id: 1 to 64 characters `[A-Za-z0-9._-]`.
  mutating func requestID(_ value: String) {
    if value.isEmpty {
      fail("request_id", "is required: choose a new one for each operation, such as a UUID")
    } else if !Operation.isRequestID(value) {
      fail("request_id", "has 1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-'")
    }
  }

  /// An address that can be a login.
  mutating func email(_ value: String) -> EmailAddress? {
    do throws(EmailAddressError) {
      return try EmailAddress(value)
    } catch {
      fail("email", error.explanation)
      return nil
    }
  }

  /// A new password (ID-7).
  mutating func newPassword(_ value: String, _ address: EmailAddress?) {
    if let weakness = PasswordPolicy.weakness(of: value, address: address) {
      fail("password", weakness.explanation(length: value.unicodeScalars.count))
    }
  }
}

extension EmailAddressError {
  fileprivate var explanation: String {
    switch self {
    case .empty: "is required"
    case .tooLong: "has more than \(EmailAddress.maximumBytes) bytes"
    case .noAtSign: "is no e-mail address: expected name@domain"
    case .localPartNotASCII: "has letters outside ASCII before the @, which is not supported"
    case .badLocalPart: "is no e-mail address: the part before the @ is malformed"
    case .domainNotASCII:
      "has letters outside ASCII in its domain: write the domain in its form that begins with xn--"
    case .badDomain: "is no e-mail address: the part after the @ is no domain name"
    }
  }
}

extension PasswordWeakness {
  fileprivate func explanation(length: Int) -> String {
    let range = "\(PasswordPolicy.minimumCharacters) to \(PasswordPolicy.maximumCharacters)"
    return switch self {
    case .tooShort, .tooLong: "has \(length) characters; expected \(range)"
    case .common: "is a common password or close to one: choose one that nobody guesses"
    case .repeated: "repeats the same few characters: choose one that nobody guesses"
    case .sequence: "is a row of keys or letters: choose one that nobody guesses"
    case .likeAddress: "is the e-mail address or a part of it: choose one that nobody guesses"
    }
  }
}
