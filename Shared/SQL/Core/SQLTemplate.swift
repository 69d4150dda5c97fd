/// A statement's text with places for its parameters, as the pieces that it was written in.
///
/// A literal is known by its address in the program: no text is put together, and none is compared
/// or hashed, until a driver prepares the statement. The same text written in two places makes two
/// templates.
package struct SQLTemplate: Sendable, Hashable {
  /// A literal, a parameter, or a text made at run time; without references, which would be counted.
  private struct Piece: Sendable, Equatable {
    /// Where a literal's UTF-8 begins; for a text, its place in `texts`; 0 for a parameter.
    let start: UInt
    /// The literal's length in bytes; -1 for a text.
    let count: Int

    static let parameter = Piece(start: 0, count: 0)
  }

  private var pieces: [Piece] = []
  private var texts: [String] = []
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
    append(text)
  }

  mutating func append(_ literal: StaticString) {
    let count = literal.utf8CodeUnitCount
    if count > 0 { add(Piece(start: literal.address, count: count), literal.address) }
  }

  mutating func appendParameter() {
    add(.parameter, 1)
  }

  private mutating func append(_ text: String) {
    add(Piece(start: UInt(texts.count), count: -1), UInt(bitPattern: text.hashValue))
    texts.append(text)
  }

  mutating func append(_ other: SQLTemplate) {
    for piece in other.pieces {
      switch piece.count {
      case 0: appendParameter()
      case 1...: add(piece, piece.start)
      default: append(other.texts[Int(piece.start)])
      }
    }
  }

  /// - Parameter part: equal for equal pieces.
  private mutating func add(_ piece: Piece, _ part: UInt) {
    // The multiplier of a linear congruential generator: order counts, and all bits are mixed.
    fingerprint = (fingerprint &+ part) &* 6_364_136_223_846_793_005
    pieces.append(piece)
  }

  /// The text with numbered placeholders of the dialect.
  func rendered(for dialect: Dialect) -> String {
    var text = ""
    var number = 0
    for piece in pieces {
      switch piece.count {
      case 0:
        number += 1
        text += dialect.placeholder(number)
      case 1...:
        // A literal stays where it is for as long as the program runs.
        let bytes = unsafe UnsafeBufferPointer(
          start: UnsafePointer<UInt8>(bitPattern: piece.start), count: piece.count)
        text += unsafe String(decoding: bytes, as: UTF8.self)
      default: text += texts[Int(piece.start)]
      }
    }
    return text
  }

  package static func == (left: SQLTemplate, right: SQLTemplate) -> Bool {
    left.fingerprint == right.fingerprint && left.pieces == right.pieces
      && left.texts == right.texts
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(fingerprint)
  }
}

extension StaticString {
  /// Where the literal's UTF-8 is.
  fileprivate var address: UInt {
    precondition(hasPointerRepresentation, "SQL is written as text, not as one character")
    return unsafe UInt(bitPattern: utf8Start)
  }
}
