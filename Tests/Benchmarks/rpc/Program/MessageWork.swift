internal import BenchmarkAPI
internal import Glibc
internal import Messages

/// Decoding and encoding of messages, repeated, for timing and for counting instructions.
enum MessageWork {
  static let names = ["decode", "encode", "decode-list", "encode-list"]

  static let request = EchoRequest(
    id: "req-0123456789abcdef", text: "hello gRPC benchmark world", count: 12345,
    timeUs: 1_700_000_000_000)

  /// Prints nanoseconds of processor time per message.
  static func run(_ work: String, _ repetitions: Int) throws {
    let arena = MessageArena()
    let request = try Self.request.serialized()
    let list = ListResponse(items: (0..<100).map(EchoAnswers.item))
    let listBytes = try list.serialized()
    let answer = EchoAnswers.answer(to: Self.request)
    let room = UnsafeMutableRawPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    defer { unsafe room.deallocate() }
    let began = processorNanoseconds()
    var sum = 0
    switch work {
    case "decode":
      for _ in 0..<repetitions {
        sum &+= unsafe try request.withUnsafeBytes { bytes in
          unsafe try Int(EchoRequest(scanning: bytes, arena: arena).count)
        }
      }
    case "decode-list":
      for _ in 0..<repetitions {
        sum &+= unsafe try listBytes.withUnsafeBytes { bytes in
          unsafe try ListResponse(scanning: bytes, arena: arena).items.count
        }
      }
    case "encode":
      for _ in 0..<repetitions { sum &+= unsafe try answer.pack(arena: arena) { _ in unsafe room } }
    case "encode-list":
      for _ in 0..<repetitions { sum &+= unsafe try list.pack(arena: arena) { _ in unsafe room } }
    default:
      throw Wrong("\(work) is none of \(names.joined(separator: ", "))")
    }
    let time = processorNanoseconds() - began
    print(repetitions > 0 ? time / repetitions : 0, "ns", sum)
  }

  private static func processorNanoseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
