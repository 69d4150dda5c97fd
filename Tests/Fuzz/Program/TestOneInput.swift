import Glibc

/// Runs one input of the chosen target; libFuzzer asks for a function of this name.
@c(LLVMFuzzerTestOneInput)
func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    try Chosen.target.run(UnsafeRawBufferPointer(start: data, count: count))
  } catch {
    print("VIOLATION in \(Chosen.target.name): \(error)")
    fflush(nil)
    abort()  // libFuzzer keeps the input
  }
  return 0
}

/// The target that the environment names.
enum Chosen {
  static let target: FuzzTarget = {
    let name = variable("FUZZ_TARGET") ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
      stop("FUZZ_TARGET is \"\(name)\"; there are \(FuzzTarget.all.map(\.name))")
    }
    return target
  }()
}

/// The value of a variable of the environment.
func variable(_ name: String) -> String? {
  getenv(name).map { String(cString: $0) }
}

/// Ends the program because it was called wrongly.
func stop(_ message: String) -> Never {
  let line = Array("\(message)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
  exit(2)
}
