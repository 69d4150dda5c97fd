import AccountingAPI
import CommonAPI
import Cryptography
import Messages
import RPCCore
import SQLCore
import SharedDomain
import TestSupport
import Testing

@Suite("ACC-2 top-ups through the service", .onEachDriver)
struct TopUpServiceTests {
  private let anna = Member.admin(of: 1)

  @Test("a captured top-up is credited and shows in the statement")
  func credited() async throws {
    try await World.run { world in
      let topUp = try await world.begin(anna, 5000)
      #expect(topUp.state == .pending && topUp.provider == "sandbox")
      #expect(try await world.balance(anna) == 0)
      world.clock.advance(by: .minutes(1))
      _ = try await world.events.deliverProviderEvent(try await world.event(topUp))
      let account = try #require(
        try await world.prepaid(anna).getPrepaidAccount(
          GetPrepaidAccountRequest(currencyCode: "CHF")
        ).account)
      #expect(account.balance?.minorUnits == 5000 && account.deposited?.minorUnits == 5000)
      #expect(account.granted?.minorUnits == 0)
      let settled = try #require(
        try await world.topUps(anna).getTopUp(GetTopUpRequest(topUpID: topUp.topUpID)).topUp)
      #expect(settled.state == .settled && settled.settleTime != nil)
      let movement = try #require(
        try await world.prepaid(anna).listPrepaidMovements(
          ListPrepaidMovementsRequest(currencyCode: "CHF")
        ).movements.first)
      #expect(movement.kind == .topUp && movement.referenceID == topUp.topUpID)
      #expect(movement.amount?.minorUnits == 5000 && movement.balance?.minorUnits == 5000)
      #expect(try await world.balance(anna, "EUR") == 0)
    }
  }

  @Test("the same event a hundred times at once credits once, with the same answer")
  func concurrentEvents() async throws {
    try await World.run { world in
      let topUp = try await world.begin(anna, 5000)
      let event = try await world.event(topUp)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<100 {
          group.addTask { _ = try await world.events.deliverProviderEvent(event) }
        }
        try await group.waitForAll()
      }
      #expect(try await world.balance(anna) == 5000)
      #expect(try await world.count("SELECT COUNT(*) FROM ledger_entry") == 1)
    }
  }

  @Test("a second event for the same top-up credits nothing more")
  func secondEvent() async throws {
    try await World.run { world in
      let topUp = try await world.begin(anna, 5000)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<20 {
          group.addTask {
            let event = ProviderEvent(
              eventID: "e\(number)", providerReference: topUp.providerReference, kind: .captured,
              amount: topUp.amount)
            _ = try await world.events.deliverProviderEvent(try world.signed(event))
          }
        }
        try await group.waitForAll()
      }
      #expect(try await world.balance(anna) == 5000)
    }
  }

  @Test("a declined top-up has failed; a later capture still credits")
  func declined() async throws {
    try await World.run { world in
      let topUp = try await world.begin(anna, 5000)
      _ = try await world.events.deliverProviderEvent(
        try await world.event(topUp, decline: true))
      let get = { @Sendable in
        try await world.topUps(anna).getTopUp(GetTopUpRequest(topUpID: topUp.topUpID)).topUp?.state
      }
      #expect(try await get() == .failed)
      let refused = await failure { try await world.event(topUp) }
      #expect(refused.reason == "TOP_UP_NOT_PENDING")
      _ = try await world.events.deliverProviderEvent(
        try world.signed(
          ProviderEvent(
            eventID: "late", providerReference: topUp.providerReference, kind: .captured,
            amount: topUp.amount)))
      #expect(try await get() == .settled)
      #expect(try await world.balance(anna) == 5000)
    }
  }

  @Test("what no report came for has expired; a late capture still credits")
  func expired() async throws {
    try await World.run { world in
      let topUp = try await world.begin(anna, 5000)
      let event = try await world.event(topUp)
      world.clock.advance(by: .hours(24))
      let listed = try await world.topUps(anna).listTopUps(ListTopUpsRequest()).topUps
      #expect(listed.map(\.state) == [.expired])
      let refused = await failure { try await world.event(topUp) }
      #expect(refused.reason == "TOP_UP_NOT_PENDING")
      _ = try await world.events.deliverProviderEvent(event)
      #expect(try await world.balance(anna) == 5000)
    }
  }

  @Test("an event with another amount, currency or reference credits nothing")
  func mismatch() async throws {
    try await World.run { world in
      let topUp = try await world.begin(anna, 5000)
      func deliver(_ amount: CommonAPI.Money?, _ reference: String) async -> RPCError {
        await failure {
          try await world.events.deliverProviderEvent(
            try world.signed(
              ProviderEvent(
                eventID: "e", providerReference: reference, kind: .captured, amount: amount)))
        }
      }
      let reference = topUp.providerReference
      for amount in [
        CommonAPI.Money(currencyCode: "CHF", minorUnits: 500_000),
        CommonAPI.Money(currencyCode: "EUR", minorUnits: 5000),
        CommonAPI.Money(currencyCode: "CHF", minorUnits: -5000),
      ] {
        let error = await deliver(amount, reference)
        #expect(error.code == .failedPrecondition && error.reason == "EVENT_AMOUNT_MISMATCH")
      }
      let unknown = await deliver(topUp.amount, "sandbox-other")
      #expect(unknown.code == .notFound && unknown.reason == "PROVIDER_REFERENCE_UNKNOWN")
      #expect(try await world.balance(anna) == 0)
      // Nothing of the refused events was kept: the right one is taken under the same id.
      _ = try await world.events.deliverProviderEvent(
        try world.signed(
          ProviderEvent(
            eventID: "e", providerReference: reference, kind: .captured, amount: topUp.amount)))
      #expect(try await world.balance(anna) == 5000)
      // Another reference, another amount, another kind under the id that was taken.
      let other = try await world.begin(anna, 5000, request: "other")
      let more = CommonAPI.Money(currencyCode: "CHF", minorUnits: 6000)
      for reused in [
        await deliver(other.amount, other.providerReference), await deliver(more, reference),
        await failure {
          try await world.events.deliverProviderEvent(
            try world.signed(
              ProviderEvent(
                eventID: "e", providerReference: reference, kind: .declined, amount: topUp.amount)))
        },
      ] {
        #expect(reused.code == .alreadyExists && reused.reason == "EVENT_ID_REUSED")
      }
      #expect(try await world.balance(anna) == 5000)
    }
  }

  @Test("whatever is wrong with a signature has one answer")
  func signatures() async throws {
    try await World.run { world in
      let event = try await world.event(try await world.begin(anna, 5000))
      var changed = event
      changed.payload[0] ^= 1
      var cut = event
      cut.signature.removeLast()
      let answers = [
        await failure { try await world.events.deliverProviderEvent(changed) },
        await failure { try await world.events.deliverProviderEvent(cut) },
        await failure {
          try await world.events.deliverProviderEvent(
            DeliverProviderEventRequest(
              provider: "other", payload: event.payload, signature: event.signature))
        },
        await failure {
          try await world.events.deliverProviderEvent(
            DeliverProviderEventRequest(
              provider: "Bad Name", payload: event.payload, signature: event.signature))
        },
        await failure {
          try await world.events.deliverProviderEvent(DeliverProviderEventRequest())
        },
        // Well signed, and longer than what is read.
        await failure {
          try await world.events.deliverProviderEvent(
            try world.signed(ProviderEvent(eventID: String(repeating: "e", count: 16 * 1024))))
        },
      ]
      for answer in answers {
        #expect(answer.code == .unauthenticated && answer.reason == "EVENT_SIGNATURE_INVALID")
        #expect(answer.message == answers[0].message)
      }
      #expect(try await world.balance(anna) == 0)
    }
  }

  @Test("a signed event that cannot be read names the field")
  func malformedEvents() async throws {
    try await World.run { world in
      let key = World.sandboxKey
      let noise: [UInt8] = [0xFF, 0xFF, 0xFF]
      let malformed = await failure {
        try await world.events.deliverProviderEvent(
          DeliverProviderEventRequest(
            provider: "sandbox", payload: noise,
            signature: HMACSHA256.code(for: noise, key: key)))
      }
      #expect(malformed.code == .invalidArgument && malformed.fields.map(\.field) == ["payload"])
      let empty = await failure {
        try await world.events.deliverProviderEvent(try world.signed(ProviderEvent()))
      }
      #expect(
        Set(empty.fields.map(\.field)) == [
          "payload.event_id", "payload.provider_reference", "payload.kind", "payload.amount",
        ])
    }
  }

  @Test("the sandbox checks reference and amount, and repeats its event")
  func sandbox() async throws {
    try await World.run { world in
      let topUp = try await world.begin(anna, 5000)
      let first = try ProviderEvent(serialized: try await world.event(topUp).payload)
      let second = try ProviderEvent(serialized: try await world.event(topUp).payload)
      #expect(first.eventID == second.eventID)
      let declined = try ProviderEvent(
        serialized: try await world.event(topUp, decline: true).payload)
      #expect(declined.eventID != first.eventID)
      var wrong = topUp
      wrong.amount = CommonAPI.Money(currencyCode: "CHF", minorUnits: 4999)
      let mismatch = await failure { try await world.event(wrong) }
      #expect(mismatch.reason == "EVENT_AMOUNT_MISMATCH")
      wrong = topUp
      wrong.providerReference = "sandbox-1"
      let unknown = await failure { try await world.event(wrong) }
      #expect(unknown.reason == "PROVIDER_REFERENCE_UNKNOWN")
    }
  }

  @Test("without a configured provider there is no method, no top-up and no sandbox")
  func noProvider() async throws {
    try await World.run(sandbox: false) { world in
      let methods = try await world.topUps(anna).listTopUpMethods(
        ListTopUpMethodsRequest(currencyCode: "CHF"))
      #expect(methods.methods.isEmpty)
      let error = await failure { try await world.begin(anna, 5000) }
      #expect(error.code == .failedPrecondition && error.reason == "TOP_UP_METHOD_UNAVAILABLE")
      let card = await failure {
        try await world.cards.completeCardPayment(CompleteCardPaymentRequest())
      }
      #expect(card.code == .unimplemented)
    }
  }

  @Test("the limits are listed, and an amount outside names them")
  func limits() async throws {
    try await World.run { world in
      let method = try #require(
        try await world.topUps(anna).listTopUpMethods(
          ListTopUpMethodsRequest(currencyCode: "EUR")
        ).methods.first)
      #expect(method.method == .card && method.minimum?.minorUnits == 500)
      #expect(method.maximum == CommonAPI.Money(currencyCode: "EUR", minorUnits: 1_000_000))
      for amount in [Int64.min, -1, 0, 499, 1_000_001, .max] {
        let error = await failure { try await world.begin(anna, amount) }
        #expect(error.code == .invalidArgument)
        #expect(error.fields.map(\.field) == ["amount.minor_units"])
        #expect(error.message.contains("CHF 5.00") && error.message.contains("CHF 10000.00"))
      }
    }
  }

  @Test("the same request is one top-up, another under its id is refused")
  func idempotent() async throws {
    try await World.run { world in
      let first = try await world.begin(anna, 5000)
      let ids = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<50 { group.addTask { try await world.begin(anna, 5000).topUpID } }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(ids == [first.topUpID])
      let other = await failure { try await world.begin(anna, 6000) }
      #expect(other.code == .alreadyExists && other.reason == "IDEMPOTENCY_KEY_REUSED")
      // Another organization's key is its own, for the same user too.
      let elsewhere = Member(
        userID: anna.userID, membership: Member.admin(of: 2).membership)
      #expect(try await world.begin(elsewhere, 5000).topUpID != first.topUpID)
    }
  }

  @Test("top-ups and movements come in pages, newest first, and the statement adds up")
  func pages() async throws {
    try await World.run { world in
      for number in 1...7 {
        world.clock.advance(by: .seconds(1))
        try await world.fund(anna, 500 * Int64(number), request: "r\(number)")
      }
      try await world.charge(anna, order: 1, net: 1000)
      var topUps: [AccountingAPI.TopUp] = []
      var token = ""
      repeat {
        let page = try await world.topUps(anna).listTopUps(
          ListTopUpsRequest(pageSize: 3, pageToken: token))
        #expect(page.topUps.count <= 3)
        topUps += page.topUps
        token = page.nextPageToken
      } while !token.isEmpty
      #expect(topUps.map(\.amount?.minorUnits) == (1...7).reversed().map { 500 * $0 })
      var movements: [AccountingAPI.PrepaidMovement] = []
      repeat {
        let page = try await world.prepaid(anna).listPrepaidMovements(
          ListPrepaidMovementsRequest(currencyCode: "CHF", pageSize: 3, pageToken: token))
        movements += page.movements
        token = page.nextPageToken
      } while !token.isEmpty
      #expect(movements.count == 8)
      let amounts = movements.compactMap(\.amount?.minorUnits)
      // 10.00 + 0.81 is rounded to 10.80.
      #expect(amounts.first == -1080)
      #expect(try await world.balance(anna) == amounts.reduce(0, +))
      var running: Int64 = 0
      for movement in movements.reversed() {
        running += movement.amount?.minorUnits ?? 0
        #expect(movement.balance?.minorUnits == running)
      }
    }
  }
}
