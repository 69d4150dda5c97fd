import Glibc
import SwiftProtobuf

/// The messages whose decoding and encoding is timed.
enum Messages {
  static let request = EchoRequest.with {
    $0.id = "req-0123456789abcdef"
    $0.text = "hello gRPC benchmark world"
    $0.count = 12345
    $0.timeUs = 1_700_000_000_000
  }
}

/// Prints nanoseconds of processor time per message, and a sum over what was read or written.
func runMessages(_ work: String, _ repetitions: Int) throws {
  let request: [UInt8] = try Messages.request.serializedBytes()
  let list = EchoAnswers.list(100)
  let listBytes: [UInt8] = try list.serializedBytes()
  let answer = EchoAnswers.answer(to: Messages.request)
  let began = processorNanoseconds()
  var sum = 0
  switch work {
  case "decode":
    for _ in 0..<repetitions { sum &+= Int(try EchoRequest(serializedBytes: request).count) }
  case "encode":
    for _ in 0..<repetitions { sum &+= (try answer.serializedBytes() as [UInt8]).count }
  case "decode-list":
    for _ in 0..<repetitions { sum &+= try ListResponse(serializedBytes: listBytes).items.count }
  case "encode-list":
    for _ in 0..<repetitions { sum &+= (try list.serializedBytes() as [UInt8]).count }
  default:
    throw Wrong("\(work) is none of decode, encode, decode-list, encode-list")
  }
  let time = processorNanoseconds() - began
  print(repetitions > 0 ? time / repetitions : 0, "ns", sum)
}

private func processorNanoseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
