import JSON
import TestSupport
import Testing

@Suite struct JSONValueTests {
  @Test("Every kind of value is read")
  func values() throws {
    let text = """
      {"a": [1, -2, 1.5, 1e2, true, false, null, "ü\\u00fc\\n", {}, []], "": {"b": 9223372036854775807}}
      """
    #expect(
      try JSONValue(parsing: text)
        == .object([
          "a": .array([
            .integer(1), .integer(-2), .number(1.5), .number(100), .bool(true), .bool(false), .null,
            .string("üü\n"), .object([:]), .array([]),
          ]), "": .object(["b": .integer(.max)]),
        ]))
    #expect(try JSONValue(parsing: " 7 ") == .integer(7))
  }

  @Test(
    "What is no JSON is refused with its place",
    arguments: [
      "", " ", "{", "[1,]", "{\"a\":1,}", "{'a':1}", "{a:1}", "[1] 2", "\"\n\"", "\"\\x\"", "01",
      "+1", "NaN", "1e999", "9223372036854775808", "\"\\ud800\"", "\"\\u0000\"", "// x\n1",
      "{\"a\":1,\"a\":2}",
    ])
  func malformed(text: String) throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error?.description.hasPrefix("line ") == true)
  }

  @Test("Depth is bounded", arguments: [("[", "]"), ("{\"a\":", "}")])
  func depth(open: String, close: String) throws {
    func nested(_ levels: Int) -> String {
      String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)
    }
    _ = try JSONValue(parsing: nested(JSONValue.maximumDepth))
    for levels in [JSONValue.maximumDepth + 1, 2000, 100_000] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: nested(levels)) }
    }
  }

  @Test("Random changes of a text never trap", arguments: 0..<20)
  func random(run: Int) {
    let seed = UInt64.random(in: 0 ... .max)
    var chance = SplitMix(state: seed)
    let text = Array("{\"a\": [1, -2.5e3, \"\\u00fc\", {\"b\": null}], \"c\": true}".utf8)
    for _ in 0..<500 {
      var changed = text
      for _ in 0..<(1 + chance.next() % 4) {
        changed[Int(chance.next() % UInt64(changed.count))] = UInt8(
          truncatingIfNeeded: chance.next())
      }
      _ = try? JSONValue(parsing: String(decoding: changed, as: UTF8.self))
    }
  }
}
