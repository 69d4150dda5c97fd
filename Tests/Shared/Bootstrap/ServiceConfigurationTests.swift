import RPCCore
import RPCTransport
import SharedDomain
import Testing

@testable import Bootstrap

extension Setting where Value == [String] {
  fileprivate static var tags: Setting { .list("shelf.tags", "tags", default: "a, b") }
}
extension Setting where Value == String? {
  fileprivate static var nickname: Setting<String?> {
    Setting<String>.text("shelf.nickname", "a nickname").optional
  }
}
extension Setting where Value == Int {
  fileprivate static var size: Setting { .number("shelf.size", "size", in: 1...9, default: "3") }
}
extension Setting where Value == Secret {
  fileprivate static var token: Setting {
    .secretFile("shelf.token", "a secret", minimumBytes: 4, default: "/dev/null")
  }
}
private let ownSettings: [any DeclaredSetting] = [
  Setting<[String]>.tags, Setting<String?>.nickname, Setting<Int>.size,
]
private let tls = [
  "--tls.certificate=c.pem", "--tls.key=k.pem", "--tls.authority=a.pem",
]

private func configuration(
  _ arguments: [String] = [], environment: [(name: String, value: String)] = []
) throws -> ServiceConfiguration {
  try ServiceConfiguration(
    .shop, settings: CommonSettings.all(for: .shop) + ownSettings,
    sources: .init(arguments: tls + arguments, environment: environment))
}

@Suite("Service configuration")
struct ServiceConfigurationTests {
  @Test("defaults hold where nothing is set")
  func defaults() throws {
    let configuration = try configuration()
    #expect(configuration[.listenPort] == 8446)
    #expect(configuration[.listenHost] == "127.0.0.1")
    #expect(configuration[.drainGrace] == .seconds(10))
    #expect(configuration[.identityPeer].hosts == [HostPort(host: "127.0.0.1", port: 8444)])
    #expect(configuration[.clockOffset] == .zero)
    #expect(configuration[.tags] == ["a", "b"])
    #expect(configuration[.nickname] == nil)
    #expect(configuration[.size] == 3)
    #expect(configuration[.lifeline] == false)
  }

  @Test("flags win over the service's environment, that over the shared one, that over the file")
  func precedence() throws {
    let file = try TemporaryFile("shelf.size = 1\nshelf.nickname = file\nlisten.port = 1\n")
    let flag = "--configuration=\(file.path)"
    let shared: (name: String, value: String) = ("KONTOR_SHELF_SIZE", "2")
    let own: (name: String, value: String) = ("KONTOR_SHOP_SHELF_SIZE", "3")
    #expect(try configuration([flag])[.size] == 1)
    #expect(try configuration([flag], environment: [shared])[.size] == 2)
    #expect(try configuration([flag], environment: [own, shared])[.size] == 3)
    #expect(
      try configuration([flag, "--shelf.size", "4"], environment: [own, shared])[.size] == 4)
    #expect(try configuration([flag])[.nickname] == "file")
    #expect(
      try configuration(environment: [("KONTOR_CONFIGURATION", file.path)])[.listenPort] == 1)
    #expect(
      try configuration(environment: [
        ("KONTOR_CONFIGURATION", "/nonexistent"), ("KONTOR_SHOP_CONFIGURATION", file.path),
      ])[.listenPort] == 1)
  }

  @Test("the environment of other services and of other programs is left alone")
  func foreignEnvironment() throws {
    #expect(
      try configuration(environment: [
        ("KONTOR_IDENTITY_WHATEVER", "x"), ("PATH", "/bin"), ("KONTORA", "y"),
      ])[.size] == 3)
  }

  @Test(
    "an unknown key is an error that names it and the nearest known one",
    arguments: [
      (
        ["--listen.prot=1"], [],
        "arguments: kontor-shop knows no flag \"--listen.prot\"; the nearest is --listen.port"
      ),
      (["--hlep"], [], "arguments: kontor-shop knows no flag \"--hlep\"; the nearest is --help"),
      (
        ["--zzzzzzzzzzzz=1"], [],
        "arguments: kontor-shop knows no flag \"--zzzzzzzzzzzz\"; --help lists the keys"
      ),
      (
        [], ["KONTOR_SHOP_SHELF_SISE"],
        "environment: kontor-shop knows no \"KONTOR_SHOP_SHELF_SISE\"; the nearest is KONTOR_SHOP_SHELF_SIZE"
      ),
      (
        [], ["KONTOR_LOGLEVEL"],
        "environment: kontor-shop knows no \"KONTOR_LOGLEVEL\"; the nearest is KONTOR_LOG_LEVEL"
      ),
    ])
  func unknownKeys(_ arguments: [String], _ variables: [String], _ message: String) throws {
    let error = try #require(throws: ConfigurationError.self) {
      try configuration(arguments, environment: variables.map { ($0, "1") })
    }
    #expect(error.code == .unknownKey)
    #expect(error.message == message)
  }

  @Test("an unknown key in the file is named with its line")
  func unknownKeyInFile() throws {
    let file = try TemporaryFile("[shelf]\nsizes = 2\n")
    let error = try #require(throws: ConfigurationError.self) {
      try configuration(["--configuration", file.path])
    }
    #expect(
      error.message
        == "\(file.path):2: kontor-shop knows no key shelf.sizes; the nearest is shelf.size")
  }

  @Test(
    "a malformed value is an error with place, key, value and what was expected",
    arguments: [
      ("--shelf.size=10", "--shelf.size: shelf.size = \"10\" is no whole number from 1 to 9"),
      ("--shelf.size=", "--shelf.size: shelf.size = \"\" is no whole number from 1 to 9"),
      ("--shelf.tags=a,,b", "--shelf.tags: shelf.tags = \"a,,b\" has an empty item"),
      ("--lifeline=yes", "--lifeline: lifeline = \"yes\" is neither true nor false"),
      (
        "--log.level=loud",
        "--log.level: log.level = \"loud\" is none of trace, debug, info, notice, warning, error, critical"
      ),
      (
        "--peers.shop=host",
        "--peers.shop: peers.shop = \"host\" is no host:port, such as 127.0.0.1:8443 or [::1]:8443, "
          + "nor several with commas between"
      ),
      (
        "--drain.grace=10",
        "--drain.grace: drain.grace = \"10\" is no duration: write 500ms, 30s, 5m, 1h30m or 7d"
      ),
      ("--drain.grace=2h", "--drain.grace: drain.grace = \"2h\" is no duration from 0s to 1h"),
      ("--tls.key=", "--tls.key: tls.key = \"\" is empty"),
      ("--listen.host=a\nb", "--listen.host: listen.host = \"a\\nb\" has control characters"),
    ])
  func malformedValues(_ argument: String, _ message: String) throws {
    let error = try #require(throws: ConfigurationError.self) {
      try ServiceConfiguration(
        .shop, settings: CommonSettings.all(for: .shop) + ownSettings,
        sources: .init(
          arguments: tls.filter { !argument.hasPrefix($0.prefix(9)) } + [argument]))
    }
    #expect(error.code == .invalidValue)
    #expect(error.message == message)
  }

  @Test("a flag needs its value, stands once, and nothing else is an argument")
  func malformedFlags() {
    #expect(throws: ConfigurationError(.missingValue, "flag --shelf.size needs a value")) {
      try configuration(["--shelf.size"])
    }
    #expect(throws: ConfigurationError(.missingValue, "flag --shelf.size needs a value")) {
      try configuration(["--shelf.size", "--lifeline"])
    }
    #expect(throws: ConfigurationError(.syntax, "flag --shelf.size stands twice")) {
      try configuration(["--shelf.size=1", "--shelf.size", "2"])
    }
    #expect(throws: ConfigurationError.self) { try configuration(["serve"]) }
    #expect(throws: ConfigurationError.self) { try configuration(["--"]) }
    #expect(throws: ConfigurationError.self) { try configuration(["-h"]) }
  }

  @Test("a switch may stand alone")
  func switches() throws {
    #expect(try configuration(["--lifeline"])[.lifeline])
    #expect(try configuration(["--lifeline", "--shelf.size=1"])[.lifeline])
    #expect(try configuration(["--lifeline", "false"])[.lifeline] == false)
  }

  @Test("a key that must be set says how")
  func missing() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try ServiceConfiguration(
        .shop, settings: CommonSettings.all(for: .shop), sources: .init())
    }
    #expect(
      error.message
        == "tls.certificate is not set: give it in the configuration file, as "
        + "KONTOR_TLS_CERTIFICATE or as --tls.certificate")
  }

  @Test("development keys are refused outside development")
  func development() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try configuration(["--development.clock_offset=60"])
    }
    #expect(error.code == .refused)
    #expect(
      error.message
        == "--development.clock_offset: development.clock_offset is refused unless "
        + "development.enabled = true")
    #expect(try configuration(["--development.clock_offset=0"])[.clockOffset] == .zero)
    let moved = ["--development.enabled", "--development.clock_offset"]
    #expect(try configuration(moved + ["3600"])[.clockOffset] == .seconds(3600))
    #expect(try configuration(moved + ["-86400"])[.clockOffset] == .seconds(-86_400))
    #expect(try configuration(moved + ["30d"])[.clockOffset] == .seconds(30 * 86_400))
    #expect(throws: ConfigurationError.self) { try configuration(moved + ["1e3"]) }
    #expect(throws: ConfigurationError.self) { try configuration(moved + ["99999999d"]) }
  }

  @Test("a secret comes from a file and shows nowhere")
  func secrets() throws {
    let file = try TemporaryFile("hush-hush\n")
    let settings = CommonSettings.all(for: .shop) + [Setting<Secret>.token]
    let configuration = try ServiceConfiguration(
      .shop, settings: settings,
      sources: .init(arguments: tls + ["--shelf.token", file.path]))
    #expect(configuration[.token].bytes == Array("hush-hush".utf8))
    var shown = ""
    dump(configuration, to: &shown)
    #expect(!shown.contains("104"), "the bytes of the secret")
    #expect("\(configuration[.token])" == "(secret)")
    let error = try #require(throws: ConfigurationError.self) {
      try ServiceConfiguration(.shop, settings: settings, sources: .init(arguments: tls))
    }
    #expect(
      error.message
        == "default: shelf.token = \"/dev/null\" holds 0 bytes, fewer than the 4 needed")
  }

  @Test("--help lists every key with form and default, --version the version")
  func help() throws {
    let help = try #require(throws: ServiceConfiguration.TextRequested.self) {
      try configuration(["--help"])
    }
    for setting in CommonSettings.all(for: .shop) + ownSettings {
      #expect(help.text.contains("\n\(setting.name)\n    \(setting.summary) ("))
    }
    #expect(help.text.contains("size (number from 1 to 9; default 3)"))
    #expect(help.text.contains("a nickname (text; optional)"))
    let version = try #require(throws: ServiceConfiguration.TextRequested.self) {
      try configuration(["--version"])
    }
    #expect(version.text == "kontor-shop \(ProductVersion.current)\n")
  }

  @Test("--help needs no complete configuration")
  func helpWithoutConfiguration() {
    #expect(throws: ServiceConfiguration.TextRequested.self) {
      try ServiceConfiguration(
        .gateway, settings: CommonSettings.all(for: .gateway),
        sources: .init(arguments: ["--help"], environment: [("KONTOR_NONSENSE", "1")]))
    }
  }

  @Test(
    "durations are read and written",
    arguments: [
      ("500ms", 500), ("30s", 30_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("-2s", -2000),
      ("0s", 0), ("1d2h3m4s5ms", 93_784_005),
    ] as [(String, Int64)])
  func durations(_ text: String, _ milliseconds: Int64) {
    #expect(parseDuration(text) == .milliseconds(milliseconds))
    #expect(durationText(.milliseconds(milliseconds)) == text)
  }

  @Test(
    "what is no duration is refused",
    arguments: [
      "", "-", "s", "1", "1 s", "1.5s", "1s1s", "1s1m", "1x", "--1s", "1s-", "٣s",
      "9223372036854775807d", "99999999999999999999s",
    ])
  func malformedDurations(_ text: String) {
    #expect(parseDuration(text) == nil)
  }

  @Test(
    "hosts and ports are read",
    arguments: [
      ("a:1", "a", 1), ("127.0.0.1:65535", "127.0.0.1", 65_535), ("[::1]:8443", "::1", 8443),
      ("kontor-shop.example:8443", "kontor-shop.example", 8443),
    ])
  func hostPorts(_ text: String, _ host: String, _ port: Int) {
    #expect(HostPort(text) == HostPort(host: host, port: port))
    #expect(HostPort(text)?.description == text)
  }

  @Test(
    "what is no host and port is refused",
    arguments: [
      "", ":", "a", "a:", ":1", "a:0", "a:65536", "a:+1", "a:1a", "::1:80", "[::1]", "[a]:1",
      "a b:1", "a/b:1", "é:1",
    ])
  func malformedHostPorts(_ text: String) {
    #expect(HostPort(text) == nil)
  }
}
