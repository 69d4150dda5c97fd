import AccountingAPI
import CommonAPI
import RPCCore
import SQLCore
import SQLiteDriver
import SharedDomain
import Testing

@Suite("Accounting under a clock that jumps (ACC-1, ACC-2)")
struct ClockTests {
  private let anna = Member.admin(of: 1)

  @Test("a clock that jumps to and fro breaks no chain, no order and no balance")
  func jumps() async throws {
    try await World.run { world in
      let jumps: [Int64] = [0, 24 * 40, -24 * 60, 1, -24 * 400, 24 * 800, -1, 24]
      var balance: Int64 = 0
      for (index, hours) in jumps.enumerated() {
        world.clock.advance(by: .hours(hours))
        try await world.fund(anna, 20_000, request: "fund-\(index)")
        try await world.charge(anna, order: UInt64(index + 1))
        balance += 20_000 - 12_960
        #expect(try await world.balance(anna) == balance)
      }
      // Newest first by what happened, whatever the clock said.
      let movements = try await world.prepaid(anna).listPrepaidMovements(
        ListPrepaidMovementsRequest(currencyCode: "CHF", pageSize: 50)
      ).movements
      let amounts = movements.compactMap(\.amount?.minorUnits)
      #expect(amounts == jumps.flatMap { _ in [-12_960, 20_000] as [Int64] })
      #expect(movements.first?.balance?.minorUnits == balance)
      // Each year has its own row of numbers, without a gap.
      let gaps = try await world.count(
        """
        SELECT count(*) FROM (
          SELECT series FROM invoice GROUP BY series HAVING max(number) <> count(*))
        """)
      #expect(gaps == 0)
    }
  }

  @Test(
    "money captured before a jump is credited after it, and a jump back expires nothing early")
  func expiry() async throws {
    try await World.run { world in
      let late = try await world.begin(anna, 5_000, request: "late")
      let captured = try await world.event(late)
      world.clock.advance(by: .hours(25))
      _ = try await world.events.deliverProviderEvent(captured)
      #expect(try await world.balance(anna) == 5_000)
      world.clock.advance(by: .days(-365))
      let early = try await world.begin(anna, 7_000, request: "early")
      world.clock.advance(by: .hours(23))
      let found = try await world.topUps(anna).getTopUp(GetTopUpRequest(topUpID: early.topUpID))
      #expect(found.topUp?.state == .created || found.topUp?.state == .pending)
      _ = try await world.events.deliverProviderEvent(try await world.event(early))
      #expect(try await world.balance(anna) == 12_000)
    }
  }

  @Test("an answer is repeated after the clock was set back")
  func repeated() async throws {
    try await World.run { world in
      try await world.fund(anna, 20_000)
      let first = try await world.charge(anna, order: 1)
      world.clock.advance(by: .days(-100))
      #expect(try await world.charge(anna, order: 1) == first)
      #expect(try await world.balance(anna) == 20_000 - 12_960)
    }
  }
}
