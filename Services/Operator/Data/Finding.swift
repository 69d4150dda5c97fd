/// Something in the stored data that is not as it has to be.
package struct Finding: Sendable, Hashable, CustomStringConvertible {
  /// The service whose database it is in.
  package let database: String
  package let table: String
  /// The row's key, its parts separated by slashes; `-` for the table as a whole.
  package let row: String
  /// What was expected and what was found instead.
  package let expectation: String

  /// One line: `accounting: ledger_entry 0198…/CHF/17: expected …`.
  package var description: String { "\(database): \(table) \(row): \(expectation)" }
}

/// What a check of stored data says.
package struct InspectionReport: Sendable {
  /// What is wrong; empty for sound data.
  package internal(set) var findings: [Finding] = []
  /// What an operator should know and is no fault: waiting messages, dead letters, what was checked.
  package internal(set) var notes: [String] = []

  package init() {}

  mutating func add(_ other: InspectionReport) {
    findings += other.findings
    notes += other.notes
  }
}
