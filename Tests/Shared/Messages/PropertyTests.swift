import Messages
import ShopAPI
import Testing
import TestingAPI

/// Random input from a printed seed: nothing traps, and what is read can be written and read
/// again to the same value.
@Suite struct PropertyTests {
  /// Changes with each run; to repeat one, put the seed that it printed here.
  private static let seed = UInt64.random(in: .min ... .max)

  @Test func `random bytes never trap`() {
    var random = SplitMix(seed: Self.seed)
    print("seed of the random bytes: \(Self.seed)")
    let arena = MessageArena()
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in
        UInt8.random(in: .min ... .max, using: &random)
      }
      expectStable(FieldKinds.self, bytes, arena)
      expectStable(PlaceOrderRequest.self, bytes, arena)
    }
  }

  @Test func `messages with bytes changed never trap`() throws {
    var random = SplitMix(seed: Self.seed)
    print("seed of the changed bytes: \(Self.seed)")
    let arena = MessageArena()
    let valid = try FieldKinds.example.serialized()
    for _ in 0..<20_000 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.remove(at: index)
        case 1: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: index)
        case 2: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
        default: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        if bytes.isEmpty { break }
      }
      expectStable(FieldKinds.self, bytes, arena)
    }
  }

  @Test func `every beginning of a message is read or refused`() throws {
    let arena = MessageArena()
    let valid = try FieldKinds.example.serialized()
    for count in valid.indices { expectStable(FieldKinds.self, Array(valid[..<count]), arena) }
  }

  /// Reads `bytes`; where that succeeds, writes the value, and expects the bytes to be stable from
  /// then on. (Bytes, not values: a NaN differs from itself.)
  private func expectStable<M: Message>(_ type: M.Type, _ bytes: [UInt8], _ arena: MessageArena) {
    guard let message = try? M(scanned: bytes, arena) else { return }
    do {
      let written = try message.serialized()
      #expect(try M(scanned: written, arena).serialized() == written)
    } catch {
      Issue.record("\(bytes) was read but not written and read again: \(error)")
    }
  }
}

/// Random numbers from a seed (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators").
private struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
