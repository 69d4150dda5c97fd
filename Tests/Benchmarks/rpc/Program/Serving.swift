internal import BenchmarkAPI
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RPCCore
internal import RPCTransport
internal import TLS

/// Serves on one event loop until the process is killed.
func serve(port: Int, certificate: String, key: String) async throws {
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  let server = try makeServer(group, port: port, certificate: certificate, key: key)
  print("listening on \(try await server.start())")
  while true { try await Task.sleep(for: .seconds(3600)) }
}

/// A server of the benchmark's methods with the limits of production, but for as many connections
/// of one address as there may be in all.
///
/// - Parameter turns: the loop whose later turn a suspended handler waits for; the group's if nil.
func makeServer(
  _ group: MultiThreadedEventLoopGroup, port: Int, certificate: String, key: String,
  turns: (any EventLoop)? = nil
) throws -> RPCServer {
  var limits = RPCLimits.standard
  limits.maximumConnections = 20_000
  limits.maximumConnectionsPerAddress = 20_000
  return RPCServer(
    configuration: .init(
      host: "127.0.0.1", port: port,
      tls: try TLSServerCredentials(certificateChainFile: certificate, privateKeyFile: key),
      limits: limits),
    services: [
      ServiceRegistration(echoService: EchoAnswers(nextTurn: NextTurn(turns ?? group.next())))
    ],
    group: group, logger: Logger(label: "rpc-benchmark"))
}
