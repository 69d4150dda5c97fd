import GoogleAPI
import RPCCore
import TestSupport
import Testing

@testable import RPCTransport

@Suite("Service config in JSON")
struct ServiceConfigJSONTests {
  @Test("A whole config is read")
  func whole() throws {
    let config = try ServiceConfig(
      json: """
        {
          "loadBalancingConfig": [{"grpclb": {}}, {"round_robin": {}}, {"pick_first": {}}],
          "methodConfig": [
            {
              "name": [{"service": "a.B", "method": "C"}, {"service": "a.D"}],
              "waitForReady": true,
              "timeout": "1.5s",
              "maxRequestMessageBytes": 1024,
              "maxResponseMessageBytes": "2048",
              "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "aborted", 4]
              }
            },
            {"name": [{}]}
          ],
          "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1234},
          "healthCheckConfig": {"serviceName": "a.B"},
          "connectionScaling": {"maxConnectionsPerSubchannel": 3}
        }
        """)
    #expect(
      config
        == (try ServiceConfig(
          loadBalancingPolicy: .roundRobin,
          methodConfigs: [
            MethodConfig(
              [.method(service: "a.B", name: "C"), .service("a.D")], waitForReady: true,
              timeout: .milliseconds(1500), maxRequestMessageBytes: 1024,
              maxResponseMessageBytes: 2048,
              retryPolicy: RetryPolicy(
                maxAttempts: 4, initialBackoff: .milliseconds(100), maxBackoff: .seconds(1),
                backoffMultiplier: 2,
                retryableStatusCodes: [.unavailable, .aborted, .deadlineExceeded])),
            MethodConfig([.all]),
          ],
          retryThrottling: RetryThrottling(maxTokens: 10, tokenRatio: 0.123),
          healthCheckServiceName: "a.B", maximumConnectionsPerSubchannel: 3)))
  }

  @Test("What is absent, null or unknown has no effect")
  func defaults() throws {
    for text in [
      "{}", "{\"methodConfig\": [], \"loadBalancingPolicy\": null}",
      "{\"unknown\": [1], \"retryThrottling\": null, \"healthCheckConfig\": {}}",
      "{\"loadBalancingPolicy\": \"PICK_FIRST\"}",
    ] {
      #expect(try ServiceConfig(json: text) == .standard)
    }
    let hedged = try ServiceConfig(
      json:
        "{\"methodConfig\": [{\"name\": [{}], \"hedgingPolicy\": {\"maxAttempts\": 3}, \"x\": 1}]}")
    #expect(try hedged == ServiceConfig(methodConfigs: [MethodConfig([.all])]))
    // The newer member counts.
    let both = try ServiceConfig(
      json:
        "{\"loadBalancingPolicy\": \"pick_first\", \"loadBalancingConfig\": [{\"round_robin\": {}}]}"
    )
    #expect(both.loadBalancingPolicy == .roundRobin)
  }

  @Test(
    "Durations are seconds with up to nine decimals",
    arguments: [
      ("1s", .seconds(1)), ("0.000000001s", .nanoseconds(1)), ("1.5s", .milliseconds(1500)),
      ("315576000000s", .seconds(315_576_000_000)), ("007.10s", .milliseconds(7100)),
    ] as [(String, Duration)])
  func durations(text: String, expected: Duration) throws {
    let config = try ServiceConfig(
      json: "{\"methodConfig\": [{\"name\": [{}], \"timeout\": \"\(text)\"}]}")
    #expect(config.methodConfigs.first?.timeout == expected)
  }

  private static func method(_ members: String) -> String {
    "{\"methodConfig\": [{\"name\": [{}], \(members)}]}"
  }

  /// A retry policy with one member replaced; nil removes it.
  private static func policy(_ name: String, _ value: String?) -> String {
    var members = [
      "maxAttempts": "3", "initialBackoff": "\"1s\"", "maxBackoff": "\"2s\"",
      "backoffMultiplier": "1.5", "retryableStatusCodes": "[14]",
    ]
    members[name] = value
    let text = members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ")
    return method("\"retryPolicy\": {\(text)}")
  }

  @Test("More attempts than five are five, in every way to write a whole number")
  func clamped() throws {
    for text in ["6", "\"100\"", "5.0", "1e3"] {
      let config = try ServiceConfig(json: Self.policy("maxAttempts", text))
      #expect(config.methodConfigs.first?.retryPolicy?.maxAttempts == 5)
    }
  }

  @Test("A member of the wrong kind or range is refused by its place, with its value")
  func refused() throws {
    let place = "methodConfig[0]"
    let retry = "\(place).retryPolicy"
    let cases: [(text: String, error: String)] = [
      ("[]", "the service config is [], expected an object"),
      ("{\"methodConfig\": {}}", "methodConfig is {}, expected an array"),
      ("{\"methodConfig\": [1]}", "\(place) is 1, expected an object"),
      ("{\"methodConfig\": [{}]}", "\(place).name is empty, expected at least one name"),
      (
        "{\"methodConfig\": [{\"name\": [{\"method\": \"M\"}]}]}",
        "\(place).name[0].service is empty, expected the service of method M"
      ),
      (
        "{\"methodConfig\": [{\"name\": [{\"service\": \"a\"}]}, {\"name\": [{\"service\": \"a\"}]}]}",
        "methodConfig[1].name is a/, expected a name that no other method config has"
      ),
      (
        Self.method("\"waitForReady\": 1"),
        "\(place).waitForReady is 1, expected true or false"
      ),
      (
        Self.method("\"timeout\": \"-1s\""),
        "\(place).timeout is -1.0 seconds, expected a positive duration"
      ),
      (
        Self.method("\"maxRequestMessageBytes\": -1"),
        "\(place).maxRequestMessageBytes is -1, expected at least 0"
      ),
      (
        Self.method("\"maxResponseMessageBytes\": 1.5"),
        "\(place).maxResponseMessageBytes is 1.5, expected a whole number"
      ),
      (
        Self.policy("maxAttempts", "1"),
        "\(retry).maxAttempts is 1, expected 2 to 5"
      ),
      (Self.policy("maxAttempts", nil), "\(retry).maxAttempts is absent, expected a value"),
      (Self.policy("maxBackoff", "null"), "\(retry).maxBackoff is absent, expected a value"),
      (
        Self.policy("initialBackoff", "\"0s\""),
        "\(retry).initialBackoff is 0.0 seconds, expected a positive duration"
      ),
      (
        Self.policy("backoffMultiplier", "0"),
        "\(retry).backoffMultiplier is 0.0, expected a positive number"
      ),
      (
        Self.policy("backoffMultiplier", "\"2\""),
        "\(retry).backoffMultiplier is \"2\", expected a number"
      ),
      (
        Self.policy("retryableStatusCodes", "[]"),
        "\(retry).retryableStatusCodes is empty, expected at least one code, and not OK"
      ),
      (
        Self.policy("retryableStatusCodes", "[14, \"GONE\"]"),
        "\(retry).retryableStatusCodes[1] is \"GONE\", expected a status code's name or number, "
          + "such as \"UNAVAILABLE\" or 14"
      ),
      (
        Self.policy("retryableStatusCodes", "[17]"),
        "\(retry).retryableStatusCodes[0] is 17, expected a status code's name or number, such as "
          + "\"UNAVAILABLE\" or 14"
      ),
      (
        "{\"retryThrottling\": {\"maxTokens\": 1001, \"tokenRatio\": 1}}",
        "retryThrottling.maxTokens is 1001, expected 1 to 1000"
      ),
      (
        "{\"retryThrottling\": {\"maxTokens\": 10}}",
        "retryThrottling.tokenRatio is absent, expected a value"
      ),
      (
        "{\"loadBalancingPolicy\": \"ring_hash\"}",
        "loadBalancingPolicy is \"ring_hash\", expected pick_first or round_robin"
      ),
      (
        "{\"loadBalancingConfig\": [{\"ring_hash\": {}}]}",
        "loadBalancingConfig is ring_hash, expected a list with pick_first or round_robin"
      ),
      (
        "{\"loadBalancingConfig\": [{\"a\": {}, \"b\": {}}]}",
        "loadBalancingConfig[0] is 2 policies, expected an object with one policy as its member"
      ),
      (
        "{\"connectionScaling\": {\"maxConnectionsPerSubchannel\": 0}}",
        "connectionScaling.maxConnectionsPerSubchannel is 0, expected at least 1"
      ),
      (
        "{\"healthCheckConfig\": {\"serviceName\": 1}}",
        "healthCheckConfig.serviceName is 1, expected a string"
      ),
      (
        "{",
        "the service config is no JSON: line 1, column 1: string or '}' expected near end of file"
      ),
      (
        "{\"methodConfig\": [],\n \"methodConfig\": []}",
        "the service config is no JSON: line 2, column 15: duplicate object key near '\"methodConfig\"'"
      ),
    ]
    for (text, expected) in cases {
      let error = #expect(throws: ServiceConfigError.self) { try ServiceConfig(json: text) }
      #expect(error?.description == expected)
    }
    let both = Self.policy("maxAttempts", "3").replacing(
      "\"retryPolicy\"", with: "\"hedgingPolicy\": {}, \"retryPolicy\"")
    #expect(throws: ServiceConfigError.self) { try ServiceConfig(json: both) }
  }

  @Test(
    "Durations that protobuf's JSON does not have are refused",
    arguments: [
      "", "s", "1", "1 s", "+1s", ".5s", "1.s", "1.0000000001s", "1e3s", "1m", "--1s", "0x1s",
      "315576000001s", "9999999999999s", "1.5.5s",
    ])
  func malformedDurations(text: String) {
    let error = #expect(throws: ServiceConfigError.self) {
      try ServiceConfig(json: Self.method("\"timeout\": \"\(text)\""))
    }
    #expect(
      error?.description
        == "methodConfig[0].timeout is \"\(text)\", expected seconds as a string, such as \"1.5s\"")
  }

  @Test("A channel does what its JSON config says")
  func channel() async throws {
    try await withServer(try await TestServer()) { server in
      let channel = try server.channel(
        serviceConfig: ServiceConfig(
          json: """
            {"methodConfig": [{
              "name": [{"service": "kontor.test.v1.EchoService", "method": "Echo"}],
              "retryPolicy": {
                "maxAttempts": 9, "initialBackoff": "0.001s", "maxBackoff": "0.001s",
                "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}
            """))
      #expect(try await channel.echo("flaky 4").typeURL == "after 4")
      let error = await failure { _ = try await channel.echo("flaky 5") }
      #expect(error?.reason == "FLAKY")
      await channel.close()
    }
  }
}
