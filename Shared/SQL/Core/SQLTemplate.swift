/// A statement's text with places for its parameters, as the pieces that it was written in.
///
/// A literal is known by its address in the program: no text is put together, and none is compared
/// or hashed, until a driver prepares the statement. The same text written in two places makes two
/// templates.
package struct SQLTemplate: Sendable, Hashable {
  private enum Piece: Sendable, Hashable {
    case literal(StaticString)
    case text(String)
    case parameter

    static func == (left: Piece, right: Piece) -> Bool {
      switch (left, right) {
      case (.parameter, .parameter): true
      case (.literal(let left), .literal(let right)):
        left.identity == right.identity && left.utf8CodeUnitCount == right.utf8CodeUnitCount
      case (.text(let left), .text(let right)): left == right
      default: false
      }
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(fingerprint)
    }

    /// Equal for equal pieces.
    var fingerprint: UInt {
      switch self {
      case .parameter: 1
      case .literal(let text): text.identity
      case .text(let text): UInt(bitPattern: text.hashValue)
      }
    }
  }

  private var pieces: [Piece] = []
  /// Mixes the pieces' in their order.
  private var fingerprint: UInt = 0

  /// An empty text with room for so many pieces.
  init(capacity: Int) {
    pieces.reserveCapacity(capacity)
  }

  init(_ literal: StaticString) {
    append(literal)
  }

  init(trustedText text: String) {
    add(.text(text))
  }

  mutating func append(_ literal: StaticString) {
    if literal.utf8CodeUnitCount > 0 { add(.literal(literal)) }
  }

  mutating func appendParameter() {
    add(.parameter)
  }

  mutating func append(_ other: SQLTemplate) {
    for piece in other.pieces { add(piece) }
  }

  private mutating func add(_ piece: Piece) {
    // The multiplier of a linear congruential generator: order counts, and all bits are mixed.
    fingerprint = (fingerprint &+ piece.fingerprint) &* 6_364_136_223_846_793_005
    pieces.append(piece)
  }

  /// The text with numbered placeholders of the dialect.
  func rendered(for dialect: Dialect) -> String {
    var text = ""
    var number = 0
    for piece in pieces {
      switch piece {
      case .literal(let literal): text += literal.description
      case .text(let part): text += part
      case .parameter:
        number += 1
        text += dialect.placeholder(number)
      }
    }
    return text
  }

  package static func == (left: SQLTemplate, right: SQLTemplate) -> Bool {
    left.fingerprint == right.fingerprint && left.pieces == right.pieces
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(fingerprint)
  }
}

extension StaticString {
  /// The literal's address, or its only character.
  fileprivate var identity: UInt {
    guard hasPointerRepresentation else { return UInt(unicodeScalar.value) }
    return unsafe UInt(bitPattern: utf8Start)
  }
}
