import Bootstrap
import SharedDomain
import Testing

@Suite struct DatabaseURLTests {
  @Test(
    arguments: [
      ("postgres://", ""), ("postgres://db", ""), ("postgres://db/", ""), ("postgres://db/a", "a"),
      ("postgresql://kontor@db:5432/a?sslmode=verify-full&host=/run", "a"),
      ("postgres:///a", "a"), ("postgres://db?sslmode=disable", ""),
      ("postgres://kontor@/?host=/tmp/x", ""),
    ])
  func `the database is the URL's path`(_ text: String, _ database: String) throws {
    #expect(try DatabaseURL(text).database == database)
    let other = try DatabaseURL(try DatabaseURL(text).with(database: "b"))
    #expect(other.database == "b")
    let options = text.split(separator: "?").dropFirst()
    #expect(other.text.split(separator: "?").dropFirst() == options)
  }

  @Test(
    arguments: [
      "postgres://kontor:hidden@db/a", "postgres://kontor:hid@den@db", "postgres://:hidden@db",
      "postgres://db/a?password=hidden", "postgres://db?sslmode=x&PassWord=hidden",
      "postgres://db/a?sslpassword=hidden", "mysql://kontor:hidden@db", "hidden",
      "postgres://db/hid den", "postgres://db/hidden\n", "",
    ])
  func `a URL with a password, or none of PostgreSQL, is refused without being quoted`(
    _ text: String
  ) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try ServiceConfiguration(
        .shop, settings: CommonSettings.all(for: .shop),
        sources: .init(
          arguments: ["--database=\(text)"],
          environment: [
            ("KONTOR_TLS_CERTIFICATE", "c"), ("KONTOR_TLS_KEY", "k"), ("KONTOR_TLS_AUTHORITY", "a"),
          ]))
    }
    #expect(error?.code == .invalidValue)
    #expect(error?.message.hasPrefix("--database: database ") == true)
    #expect(error?.message.contains("hidden") == false)
  }
}
