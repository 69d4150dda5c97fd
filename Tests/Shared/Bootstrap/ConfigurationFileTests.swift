import Testing

@testable import Bootstrap

@Suite("Configuration file")
struct ConfigurationFileTests {
  @Test("sections, dotted keys, comments and quotes are read")
  func reads() throws {
    let file = try ConfigurationFile(
      parsing: """
        # a comment
        log.level = debug   # why not
        \tdrain.grace=5s

        [listen] # section
        host = "127.0.0.1"
        port = 8443
        [tls]
        key = "/a b/\\"c\\"\\\\#d.pem"
        color = a#b
        empty =
        """, name: "f")
    #expect(
      file.entries.map(\.key) == [
        "log.level", "drain.grace", "listen.host", "listen.port", "tls.key", "tls.color",
        "tls.empty",
      ])
    #expect(file.value("log.level") == "debug")
    #expect(file.value("drain.grace") == "5s")
    #expect(file.value("listen.host") == "127.0.0.1")
    #expect(file.value("tls.key") == "/a b/\"c\"\\#d.pem")
    #expect(file.value("tls.color") == "a#b")
    #expect(file.value("tls.empty") == "")
    #expect(file.entries[3].line == 7)
  }

  @Test("Windows line ends and a missing last line break are accepted")
  func lineEnds() throws {
    let file = try ConfigurationFile(parsing: "[a]\r\nb = c d\r\ne = \"f\"\r", name: "f")
    #expect(file.value("a.b") == "c d")
    #expect(file.value("a.e") == "f")
  }

  @Test(
    "a malformed line is named with file and number",
    arguments: [
      ("a = 1\nnonsense", "f:2: \"nonsense\" is no `key = value`, `[section]` or `# comment`"),
      ("[", "f:1: \"[\" is no `[section]`"),
      ("[]", "f:1: \"[]\" is no `[section]`"),
      ("]", "f:1: \"]\" is no `key = value`, `[section]` or `# comment`"),
      ("[a] b", "f:1: \"[a] b\" is no `[section]`"),
      ("[a", "f:1: \"[a\" is no `[section]`"),
      ("A = 1", "f:1: \"A\" is no key (lower-case words joined by dots)"),
      ("a..b = 1", "f:1: \"a..b\" is no key (lower-case words joined by dots)"),
      ("= 1", "f:1: \"\" is no key (lower-case words joined by dots)"),
      ("a = 1\n\na = 2", "f:3: a was set in line 1 already"),
      ("[a]\nb = 1\n[a]\nb = 2", "f:4: a.b was set in line 2 already"),
      ("a = \"b", "f:1: the closing quote is missing"),
      ("a = \"b\\", "f:1: a backslash stands before n, t, a quote or a backslash only"),
      ("a = \"b\" c", "f:1: \"c\" after the closing quote"),
      ("a\u{7}b = 1", "f:1: \"a\\u{7}b\" is no key (lower-case words joined by dots)"),
    ])
  func refuses(_ text: String, _ message: String) throws {
    let error = try #require(throws: ConfigurationError.self) {
      try ConfigurationFile(parsing: text, name: "f")
    }
    #expect(error.message == message)
    #expect(error.code == .syntax)
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    let values = [
      "", "plain", " spaces ", "a#b", "x # y", "\"q\"", "\\", "line\nbreak\ttab", "é", "a=b",
      "\"\u{301}\r\n",
    ]
    let text = ConfigurationFile.text(
      comment: "made by a test", values.enumerated().map { ("k.v\($0)", $1) })
    let file = try ConfigurationFile(parsing: text, name: "f")
    #expect(file.entries.map(\.value) == values)
  }

  @Test("no input of random bytes traps")
  func randomInput() {
    var random = SplitMix(seed: 42)
    let alphabet = Array("[]=.#\"\\ \t\r\nab1é".unicodeScalars)
    for _ in 0..<5000 {
      var text = ""
      for _ in 0..<Int(random.next() % 24) {
        text.unicodeScalars.append(alphabet[Int(random.next() % UInt64(alphabet.count))])
      }
      _ = try? ConfigurationFile(parsing: text, name: "f")
    }
  }

  @Test("a missing file is named with its reason")
  func missingFile() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try ConfigurationFile(path: "/nonexistent/kontor.conf")
    }
    #expect(
      error.message
        == "configuration file \"/nonexistent/kontor.conf\" cannot be read: No such file or directory"
    )
  }
}

/// A small deterministic generator (splitmix64) for inputs made from a seed.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
