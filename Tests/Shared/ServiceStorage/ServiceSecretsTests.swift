import ServiceStorage
import TestSupport
import Testing

@Suite struct ServiceSecretsTests {
  @Test(arguments: Driver.allCases)
  func `a secret is made once and kept by its name`(_ driver: Driver) async throws {
    try await withServiceDatabase(driver) { database in
      let first = try await ServiceSecrets.requestHashKey(in: database)
      #expect(first.count == 32)
      #expect(try await ServiceSecrets.requestHashKey(in: database) == first)
      #expect(try await ServiceSecrets.secret("other", in: database) != first)
    }
  }
}
