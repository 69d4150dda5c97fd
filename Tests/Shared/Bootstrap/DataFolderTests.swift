import Glibc
import SharedDomain
import Testing

@testable import Bootstrap

@Suite("Data folder")
struct DataFolderTests {
  private func configuration(_ folder: String) throws -> ServiceConfiguration {
    try ServiceConfiguration(
      .shop, settings: CommonSettings.all(for: .shop),
      sources: .init(arguments: [
        "--data.folder=\(folder)", "--tls.certificate=a", "--tls.key=b", "--tls.authority=c",
      ]))
  }

  @Test("is made with its parents, for its own user, and taken as it is when it is there")
  func made() throws {
    let parent = try TemporaryFolder()
    let configuration = try configuration("\(parent.path)/one/two")
    for _ in 0..<2 {
      #expect(try configuration.dataFile("x.sqlite") == "\(parent.path)/one/two/x.sqlite")
    }
    var information = stat()
    #expect(stat("\(parent.path)/one/two", &information) == 0)
    #expect(information.st_mode & 0o777 == 0o700)
    rmdir("\(parent.path)/one/two")
    rmdir("\(parent.path)/one")
  }

  @Test("that cannot be made is named, with the part at fault")
  func notMade() throws {
    let parent = try TemporaryFolder()
    let file = try parent.write("", to: "file")
    let configuration = try configuration("\(file)/data/deep")
    let error = #expect(throws: ConfigurationError.self) {
      try configuration.dataFile("x.sqlite")
    }
    #expect(error?.message.contains("data.folder = \"\(file)/data/deep\"") == true)
    #expect(error?.message.contains("Not a directory") == true)
  }
}
