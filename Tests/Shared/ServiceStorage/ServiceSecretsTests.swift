import ServiceStorage
import Testing

@Suite struct ServiceSecretsTests {
  @Test func `a secret is made once and kept by its name`() async throws {
    try await withServiceDatabase { database in
      let first = try await ServiceSecrets.requestHashKey(in: database)
      #expect(first.count == 32)
      #expect(try await ServiceSecrets.requestHashKey(in: database) == first)
      #expect(try await ServiceSecrets.secret("other", in: database) != first)
    }
  }
}
