import Testing

@testable import HTTP2

@Suite struct ByteQueueTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `bytes leave in the order that they came in, however they came`(seed: UInt64) {
    var random = seed
    func next(_ limit: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % limit
    }
    var queue = ByteQueue()
    var expected: [UInt8] = []
    var came = 0
    for _ in 0..<20_000 {
      let bytes = (0..<next(300)).map { UInt8(truncatingIfNeeded: came + $0) }
      switch next(5) {
      case 0:
        bytes.withUnsafeBytes { queue.append($0) }
        expected += bytes
        came += bytes.count
      case 1:
        // More room than is taken.
        guard let room = queue.reserve(bytes.count + next(100)) else { continue }
        bytes.withUnsafeBytes { source in
          if let start = source.baseAddress {
            room.copyMemory(from: start, byteCount: source.count)
          }
        }
        queue.commit(bytes.count)
        expected += bytes
        came += bytes.count
      case 2:
        // Room that is not taken.
        _ = queue.reserve(next(2000))
      default:
        let limit = next(expected.count > 30_000 ? 20_000 : 200)
        let moved = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
          guard let start = buffer.baseAddress else { return }
          count = queue.move(to: start, limit: limit)
        }
        #expect(moved == Array(expected.prefix(limit)))
        expected.removeFirst(moved.count)
      }
      #expect(queue.count == expected.count)
    }
  }
}
