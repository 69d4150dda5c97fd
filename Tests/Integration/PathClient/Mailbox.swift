internal import FoundationEssentials

/// The folder of `.eml` files that a development stack writes its mails to.
struct Mailbox {
  let folder: String

  /// The eight digits mailed to an address, once they have arrived.
  func code(for address: String) async throws -> String {
    for _ in 0..<200 {
      if let code = newestCode(for: address) { return code }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Unexpected("no code was mailed to \(address)")
  }

  private func newestCode(for address: String) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted(by: >) where name.hasSuffix(".eml") {
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
      let text = String(decoding: data, as: UTF8.self)
      guard text.contains(address), let start = text.firstRange(of: "\r\n\r\n") else { continue }
      let words = text[start.upperBound...].split { !$0.isNumber }
      if let code = words.first(where: { $0.utf8.count == 8 }) { return String(code) }
    }
    return nil
  }
}
