internal import Cryptography
internal import Operator
internal import SQLCore
internal import ServiceStorage
package import SharedDomain

/// What was sealed.
package struct SealReport: Sendable, Hashable {
  package let number: Int
  package let heads: Int
  /// The seal's hash, to be noted where nobody who writes the data can change it.
  package let hash: String
}

/// Signing the heads of all chains (promise 11).
extension StackData {
  /// Signs the heads of the chains that have grown since the last seal, and appends them to the
  /// seals' file. nil when none has.
  package func seal(at now: Instant) async throws -> SealReport? {
    guard StackFiles.exists(folder.path) else {
      throw OperatorError("\(folder.path) is not the data folder of a stack")
    }
    let seals = SealFolder(path: folder.seals)
    return try await seals.withLock {
      let (name, key) = try seals.signingKey()
      let last = try lastSeal(in: seals, name, key.publicKey)
      var cursors = last?.cursors ?? [:]
      var heads: [SealedHead] = []
      for data in ServiceData.all where exists(data) {
        let database = try await open(data)
        do {
          let after = cursors[data.name] ?? 0
          let grown = try await database.read { try SealedHeads.grown(data, after: after, in: $0) }
          cursors[data.name] = grown.cursor
          heads += grown.heads
        } catch {
          await database.close()
          throw error
        }
        await database.close()
      }
      if heads.isEmpty { return nil }
      let seal = try Seal(
        number: (last?.number ?? 0) + 1, atMicroseconds: now.microseconds,
        previous: last?.hash ?? Seal.start, cursors: cursors, heads: heads, key: key)
      try StackFiles.append(seal.fileText, to: seals.seals(name))
      return SealReport(number: seal.number, heads: heads.count, hash: Hex.encode(seal.hash))
    }
  }

  private func lastSeal(
    in seals: SealFolder, _ name: String, _ key: Ed25519PublicKey
  ) throws -> Seal? {
    guard let text = PrivateFile.read(seals.seals(name)), !text.isEmpty else { return nil }
    guard let last = Seal.seals(in: text).last, let last,
      key.isValidSignature(last.signature, for: Array(last.text.utf8))
    else {
      throw OperatorError(
        "\(seals.seals(name)) does not end in a seal of its key: kontor check says more; move the"
          + " file away to begin another")
    }
    return last
  }
}
