import Glibc
import Notices
import SharedDomain
import Testing

@Suite struct FolderMailTransportTests {
  private func mail(_ number: UInt64, text: String = "Hello") -> MailMessage {
    MailMessage(
      id: UniqueID(
        at: Instant(microseconds: Int64(number) * 1_000_000), random: 0, moreRandom: number),
      from: "kontor@example.org", to: "anna@example.com", subject: "Test", text: text,
      language: "en")
  }

  /// Runs the body with a folder that does not exist yet, and removes it afterwards.
  private func withFolder(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/kontor-mail-XXXXXX".utf8CString)
    let parent = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    let folder = try #require(parent) + "/mails"
    do {
      try await body(folder)
      remove(folder)
    } catch {
      remove(folder)
      throw error
    }
  }

  private func remove(_ folder: String) {
    for name in names(in: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
    rmdir(String(folder.dropLast("/mails".count)))
  }

  private func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private func contents(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
      count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
    }
  }

  private func mode(_ path: String) -> UInt32 {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  @Test func `mails are files that sort by time, for their owner only`() async throws {
    try await withFolder { folder in
      let transport = try FolderMailTransport(folder: folder)
      for number: UInt64 in [3, 1, 2] { try await transport.deliver(mail(number)) }
      let expected: [UInt64] = [1, 2, 3]
      #expect(names(in: folder) == expected.map { "\(mail($0).id).eml" })
      let path = "\(folder)/\(mail(1).id).eml"
      #expect(contents(path) == (try mail(1).rendered()))
      #expect(mode(path) == 0o600)
      #expect(mode(folder) == 0o700)
    }
  }

  @Test func `a mail that is delivered again replaces itself`() async throws {
    try await withFolder { folder in
      let transport = try FolderMailTransport(folder: folder)
      try await transport.deliver(mail(1, text: "first, and longer"))
      try await transport.deliver(mail(1, text: "second"))
      #expect(names(in: folder) == ["\(mail(1).id).eml"])
      #expect(
        contents("\(folder)/\(mail(1).id).eml") == (try mail(1, text: "second").rendered()))
    }
  }

  @Test func `a folder that cannot be used is one clear line`() async throws {
    let error = #expect(throws: MailError.self) {
      try FolderMailTransport(folder: "/proc/nothing/here")
    }
    #expect(
      error?.description
        == "the mail folder /proc/nothing/here cannot be made: No such file or directory")
    #expect(throws: MailError.self) { try FolderMailTransport(folder: "") }
  }

  @Test func `a folder that has gone is an error of the delivery`() async throws {
    try await withFolder { folder in
      let transport = try FolderMailTransport(folder: folder)
      rmdir(folder)
      await #expect(throws: MailError(.notSent, "")) { try await transport.deliver(mail(1)) }
    }
  }
}
