internal import Glibc

/// Turns signals into bytes of a pipe, one byte with the number for each: from the moment that
/// ``watch(_:)`` returns none is lost, whichever thread it interrupts, and it can be read when there
/// is time for it.
///
/// A process has one; the numbers are read by one reader.
struct SignalPipe: Sendable {
  /// The end to read from; never blocks.
  let readEnd: Int32
  private let writeEnd: Int32

  /// The process's pipe.
  static let shared = SignalPipe()

  private init() {
    var ends: [Int32] = [-1, -1]
    let result = unsafe pipe(&ends)
    precondition(result == 0, "a process has two descriptors to spare at its start")
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    readEnd = ends[0]
    writeEnd = ends[1]
  }

  /// From now on a signal becomes a byte. Its default effect is gone.
  func watch(_ number: Int32) {
    // The handler finds `shared` initialized: this method ran on it.
    signal(number) { number in
      let saved = errno
      var byte = UInt8(truncatingIfNeeded: number)
      // A full pipe holds 65 536 signals that nobody read; one more says nothing new.
      _ = unsafe write(SignalPipe.shared.writeEnd, &byte, 1)
      errno = saved
    }
  }

  /// The numbers that came since the last call.
  func received() -> [Int32] {
    var numbers: [Int32] = []
    var byte: UInt8 = 0
    while unsafe read(readEnd, &byte, 1) == 1 { numbers.append(Int32(byte)) }
    return numbers
  }
}
