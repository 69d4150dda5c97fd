import Operator
import Testing

@testable import OperatorData

@Suite struct PostgresToolsTests {
  @Test func `a missing version of the tools is named with the package that has it`() async {
    let error = await #expect(throws: OperatorError.self) { try await PostgresTools(version: 7) }
    let text = error?.description ?? ""
    #expect(text.contains("of PostgreSQL 7,") && text.contains("postgresql-client-7"), "\(text)")
  }
}
