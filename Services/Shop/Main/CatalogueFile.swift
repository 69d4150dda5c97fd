internal import Bootstrap
internal import Glibc
internal import ShopDomain

extension Setting where Value == String {
  /// `catalogue.file`
  static var catalogueFile: Setting {
    .path("catalogue.file", "the catalogue; without it the one that the service ships with")
  }
}

/// The catalogue's text as an operator edits it.
struct CatalogueFile {
  /// The path; nil for the catalogue that the service ships with.
  let path: String?

  /// What is wrong with the file, on one line.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The text of the file, UTF-8.
  ///
  /// - Throws: `Failure` naming the file.
  func text() throws(Failure) -> String {
    guard let path else { return StandardCatalogue.text }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot be read: \(describe(errno))") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= CatalogueReader.sizeLimit {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure("cannot be read: \(describe(errno))") }
      guard count > 0 else {
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw failure("is not UTF-8")
        }
        return text
      }
      bytes += chunk[..<count]
    }
    throw failure("is larger than \(CatalogueReader.sizeLimit) bytes")
  }

  /// An error about the file, naming it.
  func failure(_ reason: String) -> Failure {
    Failure(description: "\(path.map { "catalogue.file = \($0)" } ?? "the catalogue"): \(reason)")
  }
}
