import RPCCore
import RPCTransport
import TestSupport
import Testing

@testable import Bootstrap

@Suite struct ServiceConfigFileTests {
  @Test("A file's config is the one that was written")
  func good() throws {
    let file = try TemporaryFile("{\"loadBalancingConfig\": [{\"round_robin\": {}}]}")
    #expect(try ServiceConfig(file: file.path) == ServiceConfig(loadBalancingPolicy: .roundRobin))
  }

  @Test("What is wrong in a file is named with the file")
  func bad() throws {
    let file = try TemporaryFile("{\"methodConfig\": [{\"name\": [{}], \"timeout\": 3}]}")
    let error = #expect(throws: ConfigurationError.self) { try ServiceConfig(file: file.path) }
    #expect(
      error?.message
        == "service config \"\(file.path)\": methodConfig[0].timeout is 3, "
        + "expected seconds as a string, such as \"1.5s\"")
    let missing = #expect(throws: ConfigurationError.self) {
      try ServiceConfig(file: "/nowhere")
    }
    #expect(
      missing?.message == "service config \"/nowhere\" cannot be read: No such file or directory")
  }

  @Test("Between services what may be repeated is tried again, and nothing else")
  func betweenServices() throws {
    for hasReplicas in [true, false] {
      let config = try ServiceConfig.betweenServices(hasReplicas: hasReplicas)
      #expect(config.methodConfigs.map(\.names) == [[.idempotent]])
      #expect(config.methodConfigs.first?.retryPolicy?.retryableStatusCodes == [.unavailable])
      #expect(config.retryThrottling != nil)
      #expect(config.loadBalancingPolicy == (hasReplicas ? .roundRobin : .pickFirst))
    }
  }

  @Test("An answer UNAVAILABLE is not tried again by the services that get it")
  func pushback() async throws {
    let method = MethodDescriptor(service: "a.B", name: "C")
    let context = ServerContext(method: method)
    for code in [StatusCode.unavailable, .aborted] {
      let error = await #expect(throws: RPCError.self) {
        try await HandlerPushback().intercept(context) { _ in throw RPCError(code, "busy") }
      }
      let trailer = error?.metadata["grpc-retry-pushback-ms"]
      #expect(trailer == (code == .unavailable ? "-1" : nil))
    }
  }
}
