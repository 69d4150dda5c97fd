internal import Glibc
package import SharedDomain

/// The ends of a main.
package enum Program {
  /// Ends the process for an error that left main: the text that ``ServiceConfiguration/TextRequested``
  /// carries on stdout with status 0, anything else as one line on stderr with status 1.
  package static func end(_ service: ServiceName, with error: any Error) -> Never {
    if let request = error as? ServiceConfiguration.TextRequested {
      writeToStandardOutput(request.text)
      exit(0)
    }
    writeToStandardError(Array(failureLine(service.executable, error).utf8))
    exit(1)
  }

  /// An error on one line of at most about 4000 bytes, its line breaks and controls escaped.
  static func failureLine(_ name: String, _ error: any Error) -> String {
    var text = "\(name): "
    for scalar in String(describing: error).unicodeScalars {
      if text.utf8.count > 4000 {
        text += "…"
        break
      }
      if scalar == "\n" {
        text += " "
      } else if isUnprintable(scalar) {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text + "\n"
  }
}
