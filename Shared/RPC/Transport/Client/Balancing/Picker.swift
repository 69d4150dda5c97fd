/// Chooses the subchannel of each call among those that are READY, in turn.
///
/// Generic so that it is tested without connections.
struct Picker<Subchannel> {
  private let ready: ContiguousArray<Subchannel>
  private var next: Int

  /// - Parameter random: decides who is first, so that not every channel begins with the same.
  init(_ ready: some Sequence<Subchannel>, random: UInt64 = 0) {
    self.ready = ContiguousArray(ready)
    next = self.ready.isEmpty ? 0 : Int(random % UInt64(self.ready.count))
  }

  var isEmpty: Bool { ready.isEmpty }

  /// What the next subchannel that has something offers; nil when none has.
  mutating func pick<Offer>(_ offer: (Subchannel) -> Offer?) -> Offer? {
    for _ in 0..<ready.count {
      let subchannel = ready[next]
      next = next + 1 == ready.count ? 0 : next + 1
      if let found = offer(subchannel) { return found }
    }
    return nil
  }
}
