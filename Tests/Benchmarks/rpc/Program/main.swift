internal import Glibc

// The runtime's side of the benchmark; see ../README.md.

let usage = """
  usage: rpc-benchmark serve PORT CERTIFICATE KEY
         rpc-benchmark calls METHOD FED MADE CERTIFICATE KEY
         rpc-benchmark messages WORK REPETITIONS

  METHOD: echo, later, list, count; WORK: \(MessageWork.names.joined(separator: ", "))
  """

do {
  let arguments = CommandLine.arguments.dropFirst().map { $0 }
  switch (arguments.first, arguments.count) {
  case ("serve", 4):
    guard let port = Int(arguments[1]) else { throw Wrong("\(arguments[1]) is not a port") }
    try await serve(port: port, certificate: arguments[2], key: arguments[3])
  case ("calls", 6):
    guard let method = CallsInMemory.Method(rawValue: arguments[1]), let fed = Int(arguments[2]),
      let made = Int(arguments[3]), 0 <= fed, fed <= made
    else { throw Wrong(usage) }
    try CallsInMemory(certificate: arguments[4], key: arguments[5]).run(method, fed, of: made)
  case ("messages", 3):
    guard let repetitions = Int(arguments[2]) else { throw Wrong(usage) }
    try MessageWork.run(arguments[1], repetitions)
  default:
    throw Wrong(usage)
  }
} catch {
  print(error)
  exit(2)
}

/// What is wrong with a run, in words.
struct Wrong: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
