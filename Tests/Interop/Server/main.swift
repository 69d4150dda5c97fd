internal import Bootstrap
internal import Glibc
internal import HTTP2
internal import InteropAPI
internal import Logging
internal import NIOPosix
internal import RPCCore
internal import RPCTransport
internal import TLS

// The server of gRPC's interoperability tests on this runtime: prints its port, and ends when its
// input does.

var options: [String: String] = [:]
for word in CommandLine.arguments.dropFirst() {
  let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
  if parts.count == 2 { options[parts[0]] = parts[1] }
}
guard let port = options["--port"].flatMap({ Int($0) }),
  let certificate = options["--tls_cert_file"], let key = options["--tls_key_file"]
else {
  print(
    "usage: interop-server --port=N --tls_cert_file=FILE --tls_key_file=FILE "
      + "[--max_concurrent_streams=N]")
  exit(2)
}

do {
  let logger = Logger(label: "interop-server")
  let termination = Termination(lifeline: STDIN_FILENO, limit: .seconds(60), logger: logger)
  var limits = RPCLimits.standard
  if let streams = options["--max_concurrent_streams"].flatMap({ UInt32($0) }) {
    limits.http2.maximumConcurrentStreams = streams
  }
  let loadReports = LoadReports()
  let server = RPCServer(
    configuration: RPCServer.Configuration(
      host: "127.0.0.1", port: port,
      tls: try TLSServerCredentials(certificateChainFile: certificate, privateKeyFile: key),
      limits: limits),
    services: [
      InteropService(serverID: "kontor-\(getpid())", loadReports: loadReports).registration,
      ServiceRegistration(openRcaService: loadReports),
    ],
    group: MultiThreadedEventLoopGroup.singleton, logger: logger)
  print(try await server.start())
  fflush(nil)
  _ = await termination.requested()
  await server.drain(grace: .seconds(30))
} catch {
  print("interop-server: \(error)")
  exit(1)
}
