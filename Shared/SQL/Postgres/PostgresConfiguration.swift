package import SQLCore

/// How a PostgreSQL server is used. TLS, host, user and the like are options of the URL.
package struct PostgresConfiguration: Sendable {
  /// Connections, each with a thread of its own; each is made when there is work for it.
  package var connections = 8
  /// How many transactions wait at most; one more throws `.overloaded`.
  package var queueCapacity = 4096
  /// How many writes that wait are committed in one transaction at most, with a savepoint each. A
  /// PostgreSQL server follows 64 of them for each transaction without asking its disk.
  package var batchSize = 60
  /// How often a body runs at most when it collides with concurrent transactions; then
  /// `.serialization` is thrown.
  package var maximumAttempts = 20
  /// The longest pause before the second attempt; it doubles from attempt to attempt up to 64 times
  /// this, and the actual pause is a random part of it.
  package var collisionPause = Duration.milliseconds(1)
  /// How long the server works on one statement at most, in milliseconds, before it ends it and
  /// `.busy` is thrown. Migrations are exempt.
  package var statementTimeoutMilliseconds = 10_000
  /// How long a statement waits for another transaction's lock at most, in milliseconds; then
  /// `.busy` is thrown. Migrations are exempt.
  package var lockTimeoutMilliseconds = 5_000
  /// How long the driver waits for an answer at most. A server that says nothing for so long, longer
  /// than a statement may take, counts as lost. Migrations are exempt.
  package var answerPatience = Duration.seconds(15)
  /// How long a call waits for a connection that was lost. After it, calls fail at once, with
  /// `.cannotOpen` or, where the server has no connection left, `.overloaded`, until one has been
  /// made again.
  package var reconnectPatience = Duration.seconds(3)
  /// The first pause between attempts to connect; it doubles up to 64 times this.
  package var reconnectPause = Duration.milliseconds(50)
  /// How many rows one statement may return; one more throws `.tooLarge`.
  package var maximumRows = 100_000
  /// How many prepared statements each connection keeps.
  package var statementCacheSize = 256
  /// Called, on a thread of the driver, when an attempt to connect failed, once for each connection
  /// and outage.
  package var onOutage: (@Sendable (SQLError) -> Void)?

  package init() {}
}

/// What has happened since the database was opened.
package struct PostgresStatistics: Sendable, Hashable {
  /// Committed transactions that wrote.
  package var commits = 0
  /// Bodies that these transactions were made of.
  package var bodies = 0
  /// Transactions that were run again because they collided with a concurrent one.
  package var collisions = 0
  /// Bodies that wait for a connection now.
  package var waiting = 0
  /// Connections that were made.
  package var connections = 0
}
