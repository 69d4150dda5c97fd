internal import Cryptography
internal import IdentityStorage
internal import Logging
internal import SQLCore
internal import ServiceStorage
internal import SharedDomain

/// What all of identity's handlers work with.
struct IdentityCore: Sendable {
  let database: any Database
  let clock: any WallClock
  let identifiers: IdentifierGenerator
  let random: any RandomSource
  let secrets: IdentityKeys
  let passwords: PasswordHasher
  let keys: SigningKeyRing
  let operations: OperationStore
  let logger: Logger
}
