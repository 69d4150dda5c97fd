/// A password's hash with its salt and cost, as it is stored:
/// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>` (the PHC string format).
struct PasswordHash: Sendable, Hashable {
  var parameters: Argon2Parameters
  var salt: [UInt8]
  var tag: [UInt8]

  /// Costs above these were not written by this program and would stall a thread.
  private static let maximumMemoryKibibytes: UInt32 = 1024 * 1024
  private static let maximumIterations: UInt32 = 64

  init(parameters: Argon2Parameters, salt: [UInt8], tag: [UInt8]) {
    self.parameters = parameters
    self.salt = salt
    self.tag = tag
  }

  /// Reads the stored text; throws `.invalidHash` for anything else.
  init(_ text: String) throws(CryptographyError) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0].isEmpty, parts[1] == "argon2id", parts[2] == "v=19",
      let parameters = Self.parameters(parts[3]),
      let salt = Base64.decodeUnpadded(parts[4]), (8...64).contains(salt.count),
      let tag = Base64.decodeUnpadded(parts[5]), (16...64).contains(tag.count)
    else { throw CryptographyError(.invalidHash, "this is no Argon2id hash in PHC format") }
    self.init(parameters: parameters, salt: salt, tag: tag)
  }

  /// The stored text.
  var text: String {
    let cost =
      "m=\(parameters.memoryKibibytes),t=\(parameters.iterations),p=\(parameters.parallelism)"
    return
      "$argon2id$v=19$\(cost)$\(Base64.encodeUnpadded(salt))$\(Base64.encodeUnpadded(tag))"
  }

  private static func parameters(_ text: Substring) -> Argon2Parameters? {
    let fields = text.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count == 3, let memory = number(fields[0], "m="),
      let iterations = number(fields[1], "t="), let parallelism = number(fields[2], "p="),
      (1...16).contains(parallelism), (1...maximumIterations).contains(iterations),
      (8 * parallelism...maximumMemoryKibibytes).contains(memory)
    else { return nil }
    return Argon2Parameters(
      memoryKibibytes: memory, iterations: iterations, parallelism: parallelism)
  }

  private static func number(_ field: Substring, _ name: String) -> UInt32? {
    guard field.hasPrefix(name) else { return nil }
    return UInt32(field.dropFirst(name.utf8.count))
  }
}
