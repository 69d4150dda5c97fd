internal import RPCCore

/// What the program is told on its command line.
struct Arguments {
  /// The gateway.
  let endpoint: HostPort
  /// The PEM file of the authority that signed the gateway's certificate.
  let authority: String
  /// The folder that mails land in.
  let mails: String

  /// Reads `--endpoint HOST:PORT --authority FILE --mails FOLDER`; nil where one is missing.
  init?(_ words: [String]) {
    var values: [String: String] = [:]
    var rest = words.dropFirst()
    while let name = rest.popFirst() {
      guard name.hasPrefix("--"), let value = rest.popFirst() else { return nil }
      values[name] = value
    }
    guard let endpoint = values["--endpoint"].flatMap({ HostPort($0) }),
      let authority = values["--authority"], let mails = values["--mails"]
    else { return nil }
    self.endpoint = endpoint
    self.authority = authority
    self.mails = mails
  }
}
