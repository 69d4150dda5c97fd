internal import Glibc

extension ServiceConfiguration.Sources {
  /// The arguments and the environment that this process was started with.
  package static var process: Self {
    Self(
      arguments: Array(CommandLine.arguments.dropFirst()), environment: processEnvironment())
  }
}

/// The environment that this process was started with; what is not UTF-8 is repaired. Empty where
/// `/proc` is not mounted: configure such a process by file and flags.
package func processEnvironment() -> [(name: String, value: String)] {
  let bytes: [UInt8]
  do throws(ConfigurationError) {
    bytes = try readFile("/proc/self/environ", limit: 4 << 20, describedAs: "environment")
  } catch {
    return []
  }
  return bytes.split(separator: 0).compactMap { variable in
    guard let equals = variable.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    return (
      String(decoding: variable[..<equals], as: UTF8.self),
      String(decoding: variable[(equals + 1)...], as: UTF8.self)
    )
  }
}
