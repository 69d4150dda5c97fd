/// The catalogue that the service ships with; it is in force where the operator names no other.
package enum StandardCatalogue {
  /// The text of `standard.catalogue` beside this file.
  package static var text: String {
    String(decoding: PackageResources.standard_catalogue, as: UTF8.self)
  }
}
