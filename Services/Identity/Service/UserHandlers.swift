internal import IdentityAPI
internal import IdentityStorage
internal import RPCCore
internal import SQLCore
internal import SharedDomain

/// `UserService`: the caller's profile (ID-2).
struct UserHandlers: UserService {
  let core: IdentityCore

  func getUser(_ request: GetUserRequest, context: ServerContext) async throws -> GetUserResponse {
    let caller = try context.caller()
    let user = try await core.database.read { transaction in
      try UserStore.find(caller.userID, in: transaction)
    }
    guard let user else {
      throw RPCError(.notFound, reason: "USER_NOT_FOUND", "the user was closed: sign in again")
    }
    return GetUserResponse(user: user.message)
  }
}
