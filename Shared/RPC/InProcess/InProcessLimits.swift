/// The limits of calls inside the process, as a network's calls have them.
package struct InProcessLimits: Sendable {
  /// A received message, on either side.
  package var maximumMessageBytes = 4 * 1024 * 1024
  /// Metadata one way: names and values with 32 bytes for each entry.
  package var maximumMetadataBytes = 16 * 1024
  /// Messages that wait one way, beyond which a writer waits.
  package var maximumQueuedBytes = 64 * 1024
  /// A status's text; the rest is cut.
  package var maximumStatusMessageBytes = 1024
  /// Encoded details beyond this are left out.
  package var maximumStatusDetailsBytes = 8 * 1024

  package init() {}
}
