internal import Bootstrap
internal import HealthAPI
internal import Logging
internal import NIOPosix
internal import RPCCore
internal import RPCTransport
package import SharedDomain
internal import TLS

/// Asks services for their health, with the operator's certificate.
package struct HealthProbe: Sendable {
  /// Somebody waits for the answer, and nobody else for the machine: short, and hardly growing.
  private static let backoff = Backoff(
    initial: .milliseconds(20), maximum: .milliseconds(100), multiplier: 1.6, jitter: 0.2)

  private let channels: [ServiceName: RPCChannel]

  /// - Throws: ``OperatorError`` where the certificates cannot be read.
  package init(_ folder: StackFolder, _ ports: StackPorts) throws(OperatorError) {
    let credentials: TLSClientCredentials
    do {
      credentials = try TLSClientCredentials(
        authorityFile: folder.authority,
        certificateChainFile: folder.certificate(OperatorCertificate.dnsName),
        privateKeyFile: folder.privateKey(OperatorCertificate.dnsName))
    } catch {
      throw OperatorError("\(error)")
    }
    let logger = Logger(label: "kontor") { _ in SwiftLogNoOpLogHandler() }
    channels = Dictionary(
      uniqueKeysWithValues: ServiceName.allCases.map { service in
        let target = ChannelTarget(HostPort(host: "127.0.0.1", port: ports[service]))
        let channel = RPCChannel(
          RPCChannel.Configuration(
            target: target, tls: credentials, serverName: service.executable,
            backoff: Self.backoff),
          group: .singleton, logger: logger)
        return (service, channel)
      })
  }

  /// Whether a service says that it is serving; an error in words otherwise.
  package func isServing(_ service: ServiceName) async -> Result<Void, OperatorError> {
    guard let channel = channels[service] else { return .failure(OperatorError("unknown")) }
    do {
      let answer = try await HealthClient(channel: channel).check(
        HealthCheckRequest(), options: CallOptions(timeout: .seconds(2)))
      if answer.status == .serving { return .success(()) }
      return .failure(OperatorError(answer.status.protoName ?? "unknown status"))
    } catch let error as RPCError {
      return .failure(OperatorError(error.message))
    } catch {
      return .failure(OperatorError("\(error)"))
    }
  }

  /// Ends the connections.
  package func close() async {
    for channel in channels.values { await channel.close() }
  }
}
