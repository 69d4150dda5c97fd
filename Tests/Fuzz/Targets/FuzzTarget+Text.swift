import Authentication
import Bootstrap
import Cryptography
import IdentityAPI
import IdentityDomain
import RPCCore
import SharedDomain
import ShopDomain

@testable import Notices
@testable import RPCTransport
@testable import RequestValidation

private typealias TransportBase64 = RPCTransport.Base64
private typealias StandardBase64 = Cryptography.Base64

extension FuzzTarget {
  /// The token of a list's next page.
  static let pageToken = FuzzTarget(
    name: "page-token", maximumBytes: 2100,
    seeds: {
      [["a", ""], [], ["2027-01-01", "\u{0}\u{1}ä"], [String(repeating: "a", count: 1000)]]
        .map { Array(PageToken.encode($0).utf8) }
    },
    run: { bytes in
      let text = FuzzInput(bytes).text
      var checks = FieldChecks()
      let page = Page(size: 10, token: text, filter: ["a"], keyCount: 1, &checks)
      guard let parts = PageToken.decode(text) else {
        return try check(page.after == nil, "a page after a token that is none")
      }
      try check(text.utf8.count <= PageToken.maximumLength, "a token of \(text.utf8.count) bytes")
      try check(
        PageToken.decode(PageToken.encode(parts)) == parts || parts.joined().utf8.count > 500,
        "the token of \(parts) is another's")
      guard let after = page.after, !text.isEmpty else { return }
      try check(parts == ["a"] + after, "a page after \(after) of the token of \(parts)")
    })

  /// The small values in metadata, configuration and requests, all from one text.
  static let values = FuzzTarget(
    name: "values", maximumBytes: 512,
    seeds: {
      [
        "20m", "99999999H", "0n", "a%20b%C3%A4%", "AAEC/+8", "AAE=", "00ff10",
        "0190e6a0-0000-7000-8000-000000000000", "2028-02-29", "[2001:db8::1]:8443",
        "server.test:443", "/kontor.shop.v1.OrderService/PlaceOrder", "someone@example.org",
        "Some One <some.one@example.org>", "1h30m", "-7d", "example.co.uk",
      ].map { Array($0.utf8) }
    },
    run: { try ValueRun.run($0) })

  /// A mail to an address, with a subject and a text, a line each but the last.
  static let mail = FuzzTarget(
    name: "mail", maximumBytes: 1024,
    seeds: {
      [
        "someone@example.org\nWelcome\nA line.\n.\nAnother = one\t \n",
        "Zoë <zoe@example.org>\nZürich =?UTF-8?B??= 東京\r\nBcc: a@b\n\u{2028}ü\r\n\r\r\n\u{0}",
      ].map { Array($0.utf8) }
    },
    run: { try MailRun.run(FuzzInput($0).text) })

  /// The configuration file of a service.
  static let configuration = FuzzTarget(
    name: "configuration", maximumBytes: 1024,
    seeds: {
      [
        "# a comment\nlisten.port = 8443\n[mail]\nfolder = \"a \\\"b\\\" \\n\\t\\\\\" # why\nempty =\n",
        "a = b # c\r\nd.e = #\n[f.g] # h\ni_1 = \"\"\n",
      ].map { Array($0.utf8) }
    },
    run: { bytes in
      guard let file = try? ConfigurationFile(parsing: FuzzInput(bytes).text, name: "f") else {
        return
      }
      let keys = Set(file.entries.map(\.key))
      try check(keys.count == file.entries.count, "a key occurs twice")
      let text = ConfigurationFile.text(
        comment: "again", file.entries.map { (key: $0.key, value: $0.value) })
      let again = try ConfigurationFile(parsing: text, name: "again")
      try check(
        again.entries.map(\.key) == file.entries.map(\.key)
          && again.entries.map(\.value) == file.entries.map(\.value),
        "what is written is read as something else:\n\(text)")
    })

  /// The price list.
  static let catalogue = FuzzTarget(
    name: "catalogue", maximumBytes: 4096,
    seeds: {
      let sections = StandardCatalogue.text.split(separator: "\n\n").map(String.init)
      let type = sections.first { $0.contains("[type ") } ?? ""
      let plan = sections.first { $0.contains("[plan ") } ?? ""
      let head = sections.first { $0.contains("[catalogue]") } ?? ""
      return [head, head + "\n" + type, head + "\n" + type + "\n" + plan].map { Array($0.utf8) }
    },
    run: { bytes in
      let text = FuzzInput(bytes).text
      do {
        let catalogue = try CatalogueReader.read(text)
        for plan in catalogue.plans {
          try check(
            catalogue.offer(plan.id)?.plan == plan, "the plan \(plan.id) is not to be found")
        }
        try check(try CatalogueReader.read(text) == catalogue, "a second reading differs")
      } catch let error as CatalogueError {
        try check(
          (1...CatalogueReader.problemLimit).contains(error.problems.count),
          "\(error.problems.count) problems")
      }
    })
}

private enum ValueRun {
  static func run(_ bytes: UnsafeRawBufferPointer) throws {
    let text = FuzzInput(bytes).text
    if let time = Timeout.parse(bytes) {
      try check(bytes.count <= 9, "a timeout of \(bytes.count) characters")
      let again = Timeout.parse(Timeout.format(time).utf8)
      try check(again.map { $0 >= max(time, 1) } == true, "a timeout of \(time) ns is cut short")
    }
    let decoded = PercentEncoding.decode(bytes)
    let encoded = PercentEncoding.encode(decoded, limit: .max)
    try check(encoded.utf8.allSatisfy { 0x20...0x7E ~= $0 }, "percent encoding is not ASCII")
    try check(PercentEncoding.decode(encoded.utf8) == decoded, "\(decoded) changes on its way")
    let cut = PercentEncoding.decode(PercentEncoding.encode(decoded, limit: 10).utf8)
    try check(cut.utf8.count <= 10 && decoded.utf8.starts(with: cut.utf8), "cut to \(cut)")
    try checkBinary(text, bytes)
    if let id = UniqueID(text) { try check(id.text == text, "the id \(id)") }
    if let date = CalendarDate(text) {
      try check(
        date.text == text && CalendarDate(daysSinceEpoch: date.daysSinceEpoch) == date,
        "the date \(date)")
    }
    if let place = HostPort(text) { try check(HostPort(place.description) == place, "\(place)") }
    if let method = MethodDescriptor(path: text) { try check(method.path == text, "\(method)") }
    if let duration = parseDuration(text) {
      try check(parseDuration(durationText(duration)) == duration, "\(duration)")
    }
    if let address = try? EmailAddress(text) {
      try check(try EmailAddress(address.text) == address, "the address \(address)")
      try check(MailAddress(address.text)?.address == address.text, "no mail to \(address)")
    }
    if let address = MailAddress(text) {
      try check(MailAddress(address.address)?.address == address.address, "\(address)")
    }
    if let name = try? DomainName(text) {
      try check(try DomainName(name.description) == name, "the domain \(name)")
    }
  }

  private static func checkBinary(_ text: String, _ bytes: UnsafeRawBufferPointer) throws {
    if let value = TransportBase64.decode(bytes) {
      try check(
        TransportBase64.decode(TransportBase64.encode(value).utf8) == value, "base64 of \(value)")
    }
    let all = Array(bytes)
    try check(TransportBase64.decode(TransportBase64.encode(all).utf8) == all, "base64 of \(all)")
    if let value = StandardBase64.decode(text) {
      try check(StandardBase64.encode(value) == text, "base64 that is not canonical: \(text)")
    }
    if let value = Base64URL.decode(text) {
      try check(Base64URL.encode(value) == text, "base64url that is not canonical: \(text)")
    }
    if let value = Hex.decode(text) {
      try check(Hex.encode(value) == text.lowercased(), "hexadecimal \(text)")
    }
  }
}

private enum MailRun {
  static func run(_ input: String) throws {
    let lines = input.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
    guard lines.count == 3, let id = UniqueID("0190e6a0-0000-7000-8000-000000000000") else {
      return
    }
    let mail = MailMessage(
      id: id, from: "Kontor <kontor@example.org>", to: String(lines[0]),
      subject: String(lines[1]), text: String(lines[2]), language: String(lines[1].prefix(5)))
    guard let rendered = try? mail.rendered() else {
      return try check(MailAddress(mail.to) == nil, "an address without a mail")
    }
    try check(rendered.allSatisfy { $0 < 0x7F }, "the mail is not ASCII")
    // Every line ends with CRLF, and neither byte occurs elsewhere.
    let text = rendered.split(separator: 0x0A, omittingEmptySubsequences: false)
    try check(text.last?.isEmpty == true, "the last line has no end")
    for line in text.dropLast() {
      try check(
        line.last == 0x0D && !line.dropLast().contains(0x0D), "a line without CRLF in \(rendered)")
      try check(line.count <= 999, "a line of \(line.count) characters")
    }
    let head = text.prefix { $0 != [0x0D] }.filter { $0.first != 0x20 }
    let names = head.map { String(decoding: $0.prefix { $0 != 0x3A }, as: UTF8.self) }
    try check(
      names == [
        "Date", "From", "To", "Message-ID", "Subject", "Content-Language", "Auto-Submitted",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
      ], "the headers are \(names)")
  }
}
