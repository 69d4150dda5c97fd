internal import Glibc
internal import InteropAPI
internal import Logging
internal import NIOPosix
internal import RPCCore
internal import RPCTransport
internal import TLS

// The client of gRPC's interoperability tests on this runtime: runs one case, ends with 0 when it
// holds.

var options: [String: String] = [:]
for word in CommandLine.arguments.dropFirst() {
  let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
  if parts.count == 2 { options[parts[0]] = parts[1] }
}
guard let host = options["--server_host"], let name = options["--test_case"],
  let ports = options["--server_port"]?.split(separator: ",").map({ Int($0) ?? 0 }),
  let authority = options["--tls_ca_file"]
else {
  print(
    "usage: interop-client --server_host=H --server_port=N[,N…] --test_case=C --tls_ca_file=FILE "
      + "[--service_config_json=TEXT]")
  print("cases: \(InteropCases.all.keys.sorted().joined(separator: " "))")
  exit(2)
}
guard let run = InteropCases.all[name] else {
  print("interop-client: there is no case \(name)")
  exit(2)
}

do {
  let credentials = try TLSClientCredentials(authorityFile: authority)
  let config = try ServiceConfig(json: options["--service_config_json"] ?? "{}")
  let configuration = RPCChannel.Configuration(
    target: ChannelTarget(ports.map { HostPort(host: host, port: $0) }), tls: credentials,
    serverName: options["--server_host_override"] ?? host, serviceConfig: config,
    backoff: .betweenServices)
  let cases = InteropCases {
    RPCChannel(
      configuration, group: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "interop-client"))
  }
  try await run(cases)
  await cases.close()
} catch {
  print("\(name): \(error)")
  exit(1)
}
