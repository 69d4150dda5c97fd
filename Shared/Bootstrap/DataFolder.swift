internal import Glibc

extension ServiceConfiguration {
  /// The path of a file in `data.folder`, which is made with its parents where it is missing
  /// (mode 0700: a service's data is for its own user).
  ///
  /// - Throws: ``ConfigurationError`` naming the folder that cannot be made.
  package func dataFile(_ name: String) throws(ConfigurationError) -> String {
    let folder = self[.dataFolder]
    var path = folder.hasPrefix("/") ? "/" : ""
    for part in folder.split(separator: "/") {
      path += "\(part)/"
      guard unsafe mkdir(path, 0o700) != 0, errno != EEXIST else { continue }
      let reason = unsafe String(cString: strerror(errno))
      throw ConfigurationError(
        .invalidValue, "data.folder = \(quoted(folder)) cannot be made: \(quoted(path)): \(reason)")
    }
    return path + name
  }
}
