import AccountingDomain
import SharedDomain
import Testing

@Suite("ACC-2 top-ups")
struct TopUpTests {
  @Test("5.00 to 10 000.00 may be topped up", arguments: [500, 501, 999_999, 1_000_000])
  func allowed(_ amount: Int64) throws {
    #expect(try sampleTopUp(.eur(amount)).state == .pending)
  }

  @Test(
    "any other amount names the limits",
    arguments: [.min, -500, 0, 499, 1_000_001, .max] as [Int64])
  func outOfRange(_ amount: Int64) {
    #expect(
      throws: AccountingError.topUpAmountOutOfRange(
        .chf(amount), minimum: .chf(500), maximum: .chf(1_000_000))
    ) { try sampleTopUp(.chf(amount)) }
  }

  @Test("what waited 24 hours has expired")
  func expiry() throws {
    let topUp = try sampleTopUp(.chf(500))
    #expect(topUp.state(at: .start) == .pending)
    let end = Instant.start.advanced(by: .hours(24))
    #expect(topUp.state(at: Instant(microseconds: end.microseconds - 1)) == .pending)
    #expect(topUp.state(at: end) == .expired)
  }

  /// Every recorded state with what a report makes of it: the new state, and whether it credits.
  static let transitions: [(TopUpState, ProviderEventKind, TopUpState, Bool)] = [
    (.created, .captured, .settled, true), (.created, .declined, .failed, false),
    (.pending, .captured, .settled, true), (.pending, .declined, .failed, false),
    (.settled, .captured, .settled, false), (.settled, .declined, .settled, false),
    (.failed, .captured, .settled, true), (.failed, .declined, .failed, false),
    (.expired, .captured, .settled, true), (.expired, .declined, .expired, false),
  ]

  @Test("each report leads where the table says", arguments: transitions)
  func transition(
    _ from: TopUpState, _ event: ProviderEventKind, _ to: TopUpState, _ credits: Bool
  ) throws {
    var topUp = try sampleTopUp(.chf(5000))
    topUp.state = from
    switch try topUp.receiving(event, amount: .chf(5000), at: .start) {
    case .credited(let next, let entry):
      #expect(credits && next.state == to && next.settledAt == .start)
      #expect(try entry.prepaidChange() == .chf(5000))
    case .changed(let next): #expect(!credits && next.state == to && next.settledAt == nil)
    case .unchanged: #expect(!credits && from == to)
    }
  }

  @Test("a capture after the expiry still credits: money taken is never lost")
  func lateCapture() throws {
    let topUp = try sampleTopUp(.chf(5000))
    let late = Instant.start.advanced(by: .days(30))
    guard case .credited = try topUp.receiving(.captured, amount: .chf(5000), at: late) else {
      Issue.record("not credited")
      return
    }
  }

  @Test(
    "a capture of another amount or currency is refused",
    arguments: [Money.chf(4999), .chf(5001), .eur(5000), .chf(-5000), .chf(0)])
  func mismatch(_ amount: Money) throws {
    let topUp = try sampleTopUp(.chf(5000))
    #expect(throws: AccountingError.eventAmountMismatch(expected: .chf(5000), reported: amount)) {
      try topUp.receiving(.captured, amount: amount, at: .start)
    }
  }

  @Test("the sandbox acts on what waits, and repeats what it did")
  func sandbox() throws {
    var topUp = try sampleTopUp(.chf(5000))
    try topUp.checkSandboxMayReport(.captured, at: .start)
    try topUp.checkSandboxMayReport(.declined, at: .start)
    topUp.state = .settled
    try topUp.checkSandboxMayReport(.captured, at: .start)
    #expect(throws: AccountingError.topUpNotPending(.settled)) {
      try topUp.checkSandboxMayReport(.declined, at: .start)
    }
    topUp.state = .pending
    #expect(throws: AccountingError.topUpNotPending(.expired)) {
      try topUp.checkSandboxMayReport(.captured, at: Instant.start.advanced(by: .days(2)))
    }
  }
}
