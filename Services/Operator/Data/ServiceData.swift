internal import AccountingStorage
internal import IdentityStorage
internal import OrganizationsStorage
package import SQLCore
internal import ServiceStorage
package import SharedDomain
internal import ShopStorage

/// What is known of a service's database without the service.
package struct ServiceData: Sendable {
  package let service: ServiceName
  /// The schema that this program knows.
  package let migrations: [Migration]

  /// Every service that stores something, in the order that tools go through them.
  package static let all: [ServiceData] = [
    ServiceData(service: .identity, migrations: IdentityMigrations.all),
    ServiceData(service: .organizations, migrations: OrganizationsMigrations.all),
    ServiceData(service: .shop, migrations: ShopMigrations.all),
    ServiceData(service: .accounting, migrations: AccountingMigrations.all),
  ]

  private init(service: ServiceName, migrations: [Migration]) {
    self.service = service
    self.migrations = ServiceStorage.migrations + migrations
  }

  var name: String { service.rawValue }
  /// The database's file in the service's folder.
  var fileName: String { "\(name).db" }
  /// The dump of a PostgreSQL database in a backup's folder of the service.
  var dumpName: String { "\(name).dump" }
}
