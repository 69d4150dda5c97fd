internal import Cryptography
internal import Glibc
internal import Operator

/// Where the seals of a stack and the keys that sign them are: `<key>.seals` with the seals that a
/// key made, `<key>.pub` and, where sealing goes on, `<key>.key`. A key is named by the first
/// eight digits of its public part.
///
/// The folder is apart from the databases, so that it can be another user's, another disk's or
/// another machine's: who can write both can rewrite both.
struct SealFolder {
  let path: String

  func seals(_ name: String) -> String { "\(path)/\(name).seals" }
  func publicKey(_ name: String) -> String { "\(path)/\(name).pub" }
  private func privateKey(_ name: String) -> String { "\(path)/\(name).key" }

  /// The keys that have made seals or may.
  var names: [String] {
    StackFiles.names(in: path).filter { $0.hasSuffix(".pub") }.map { String($0.dropLast(4)) }
  }

  /// The public part of a key; throws unless its name is its own.
  func verifyingKey(_ name: String) throws -> Ed25519PublicKey {
    let text = PrivateFile.read(publicKey(name)) ?? ""
    let digits = text.split(separator: "\n").first.map(String.init) ?? ""
    guard digits.hasPrefix(name), let bytes = Hex.decode(digits) else {
      throw OperatorError("\(publicKey(name)) holds no key of that name")
    }
    return try Ed25519PublicKey(rawRepresentation: bytes)
  }

  /// The key that signs; made where there is none.
  func signingKey() throws -> (name: String, key: Ed25519PrivateKey) {
    for name in names {
      guard let text = PrivateFile.read(privateKey(name)) else { continue }
      guard let line = text.split(separator: "\n").first, let seed = Hex.decode(String(line)) else {
        throw OperatorError("\(privateKey(name)) holds no key")
      }
      return (name, try Ed25519PrivateKey(rawRepresentation: seed))
    }
    try StackFolder.makeFolder(path)
    let key = try Ed25519PrivateKey()
    let digits = Hex.encode(key.publicKey.rawRepresentation)
    let name = String(digits.prefix(8))
    // The private part first: a public one without it would end the sealing by this key.
    try PrivateFile.write(Hex.encode(key.rawRepresentation) + "\n", to: privateKey(name))
    try PrivateFile.write(digits + "\n", to: publicKey(name))
    try StackFiles.synchronize(folder: path)
    return (name, key)
  }

  /// Runs a body while no other process seals here.
  func withLock<Result>(_ body: () async throws -> Result) async throws -> Result {
    try StackFolder.makeFolder(path)
    let descriptor = open("\(path)/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      if descriptor >= 0 { close(descriptor) }
      throw OperatorError("another process seals in \(path)")
    }
    defer { close(descriptor) }
    return try await body()
  }
}
