import Glibc

// One program has all targets; `FUZZ_TARGET` says which one libFuzzer runs, also in the processes
// that libFuzzer starts. With `FUZZ_LIST` it lists the targets and their longest inputs, with
// `FUZZ_SEEDS` it writes the target's seeds into that folder.

/// libFuzzer without its `main`, whose name SwiftPM gives to this file.
@_silgen_name("LLVMFuzzerRunDriver")
private func runLibFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private func writeSeed(_ bytes: [UInt8], to path: String) {
  guard let file = fopen(path, "w"), fwrite(bytes, 1, bytes.count, file) == bytes.count,
    fclose(file) == 0
  else { stop("cannot write \(path)") }
}

if variable("FUZZ_LIST") != nil {
  for target in FuzzTarget.all { print(target.name, target.maximumBytes) }
  exit(0)
}
if let folder = variable("FUZZ_SEEDS") {
  do {
    for (index, seed) in try Chosen.target.seeds().enumerated() {
      writeSeed(seed, to: "\(folder)/seed-\(index)")
    }
  } catch {
    stop("the seeds of \(Chosen.target.name): \(error)")
  }
  exit(0)
}

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runLibFuzzer(&count, &arguments, testOneInput))
