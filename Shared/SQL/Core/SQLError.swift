/// What went wrong in the database, in terms that mean the same in both dialects.
///
/// Equality is on the code alone: the message is for people.
package struct SQLError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  package enum Code: Sendable, Hashable {
    /// A row with the same values exists. The columns as `table.column`, in the index's order; for
    /// an index on an expression a single `index:name`.
    case unique([String])
    /// The named CHECK refused a row.
    case check(String)
    /// A referenced row is missing, or a row is still referenced. The name is nil where the
    /// database does not tell it (SQLite).
    case foreignKey(String?)
    /// The column, as `table.column`, must have a value.
    case notNull(String)
    /// Another rule of the schema refused the change: a trigger's message, a column's strict type.
    case constraint(String?)
    /// Another transaction or process holds a lock, or the server works on a statement for too long.
    /// Nothing was changed; the same call may succeed later.
    case busy
    /// The queue to the database is full; the call was not begun.
    case overloaded
    /// Concurrent transactions collided; the driver has retried already.
    case serialization
    /// The disk (or the quota) is full. Nothing was changed; reads go on.
    case full
    /// The database had no memory for the statement. Nothing was changed; the same call may succeed
    /// later.
    case outOfMemory
    /// Reading or writing the file failed.
    case io
    /// The connection to the server was lost, and no repetition helped. Where it was lost during a
    /// commit the outcome is unknown, and the message says so.
    case connectionLost
    /// The file's content is damaged or is no database.
    case corrupt
    /// The change was refused because the file, or the transaction, is read-only.
    case readOnly
    /// The database cannot be opened: missing directory, no permission, used by another process.
    case cannotOpen
    /// An earlier error ended this transaction; no further statement runs in it.
    case aborted
    /// A commit's durability failed earlier; the database refuses every write until it is opened
    /// again.
    case stopped
    /// The database was closed.
    case closed
    /// The result, a value or a statement is over a limit.
    case tooLarge
    /// A column's value is not of the type that was asked for, or the column is missing.
    case unexpectedValue
    /// The schema's recorded migrations do not fit this program.
    case migration
    /// The statement is wrong: syntax, unknown table, wrong number of parameters.
    case misuse
    /// Anything else.
    case other
  }

  package var code: Code
  /// One line for people who run the service; it may name tables, columns and files, never values.
  package var message: String
  /// Where the error was made.
  package var file: String

  package init(_ code: Code, _ message: String, file: String = #fileID) {
    self.code = code
    self.message = message
    self.file = file
  }

  package static func == (left: SQLError, right: SQLError) -> Bool {
    left.code == right.code
  }

  package var description: String { "\(message) [\(code)]" }

  /// Whether exactly these columns (`table.column`) had to be unique and were not.
  package func violatesUnique(_ columns: String...) -> Bool {
    code == .unique(columns)
  }

  /// Whether the CHECK with this name refused the row.
  package func violatesCheck(_ name: String) -> Bool {
    code == .check(name)
  }
}
