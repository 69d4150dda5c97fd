internal import RPCCore
internal import SQLCore
package import SharedDomain

/// Thrown by a topic's handler: no further attempt can succeed, the message is given up.
package struct PermanentDeliveryError: Error, Sendable, Hashable, CustomStringConvertible {
  /// For the dead letter and the log; holds no secret.
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}

/// Thrown by `OutboxRelay.deliver` for a message that was given up before.
package struct DeadLetterError: Error, Sendable, Hashable, CustomStringConvertible {
  package let id: UniqueID
  package let lastError: String

  package var description: String { "message \(id) was given up: \(lastError)" }
}

/// No handler is registered for a message's topic: another version of the program wrote it.
struct MissingHandlerError: Error, CustomStringConvertible {
  let topic: String

  var description: String { "no handler for the topic \(topic)" }
}

/// What an error of a delivery means for further attempts.
enum DeliveryFailure: Sendable, Hashable {
  /// Give the message up now.
  case final
  /// The receiver refused it: a few attempts, then give it up.
  case refused
  /// Try again until it is delivered.
  case passing

  init(_ error: any Error) {
    switch error {
    case is PermanentDeliveryError: self = .final
    case let error as RPCError:
      switch error.code {
      case .invalidArgument, .notFound, .alreadyExists, .failedPrecondition, .outOfRange:
        self = .refused
      default: self = .passing
      }
    default: self = .passing
    }
  }

  /// What may be stored and logged of an error; of unknown ones the type only, since their text
  /// may hold secrets.
  static func text(_ error: any Error) -> String {
    let text =
      switch error {
      case let error as RPCError: error.description
      case let error as SQLError: error.description
      case let error as PermanentDeliveryError: error.description
      case let error as MissingHandlerError: error.description
      default: String(reflecting: type(of: error))
      }
    return String(text.prefix(500))
  }
}
