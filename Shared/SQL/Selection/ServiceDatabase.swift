package import Bootstrap
package import Logging
internal import PostgresDriver
package import SQLCore
internal import SQLiteDriver
internal import SharedDomain

/// The database that a service's configuration names.
package enum ServiceDatabase {
  /// Opens it: a database on a PostgreSQL server, made where it is missing, or a file in
  /// `data.folder`.
  ///
  /// - Parameter onFailure: called when a commit to the file is not known to be durable; nothing may
  ///   be answered after that. A PostgreSQL server decides so for itself.
  /// - Throws: ``ConfigurationError``, or `SQLError` with one clear line.
  package static func open(
    _ configuration: ServiceConfiguration, logger: Logger,
    onFailure: @escaping @Sendable (SQLError) -> Void
  ) async throws -> any Database {
    let service = configuration.service.rawValue
    if let url = configuration[.database] {
      var postgres = PostgresConfiguration()
      postgres.connections = configuration[.databaseConnections]
      postgres.onOutage = { error in
        logger.warning("the database cannot be reached", metadata: ["error": "\(error)"])
      }
      let named = url.database.isEmpty ? url.with(database: "kontor_\(service)") : url.text
      return try await PostgresDatabase.open(
        url: named, isMadeIfMissing: true, configuration: postgres)
    }
    var file = SQLiteConfiguration()
    file.onFailure = onFailure
    return try SQLiteDatabase(
      path: configuration.dataFile("\(service).db"), configuration: file)
  }
}
