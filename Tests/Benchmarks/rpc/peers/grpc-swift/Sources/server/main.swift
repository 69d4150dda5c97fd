import GRPCCore
import GRPCNIOTransportHTTP2
import NIOPosix
import SwiftProtobuf

// The benchmark's service on grpc-swift 2, on one event loop, and its messages on swift-protobuf.
//
// usage: server PORT CERTIFICATE KEY | server messages WORK REPETITIONS

typealias EchoRequest = Kontor_Benchmark_V1_EchoRequest
typealias EchoResponse = Kontor_Benchmark_V1_EchoResponse
typealias ListRequest = Kontor_Benchmark_V1_ListRequest
typealias ListResponse = Kontor_Benchmark_V1_ListResponse
typealias Item = Kontor_Benchmark_V1_Item
typealias CountRequest = Kontor_Benchmark_V1_CountRequest

let arguments = CommandLine.arguments.dropFirst().map { $0 }
let usage = "usage: server PORT CERTIFICATE KEY | server messages WORK REPETITIONS"
guard arguments.count == 3 else { throw Wrong(usage) }
if arguments[0] == "messages" {
  guard let repetitions = Int(arguments[2]) else { throw Wrong(usage) }
  try runMessages(arguments[1], repetitions)
} else {
  guard let port = Int(arguments[0]) else { throw Wrong(usage) }
  let transport = HTTP2ServerTransport.Posix(
    address: .ipv4(host: "127.0.0.1", port: port),
    transportSecurity: .tls(
      certificateChain: [.file(path: arguments[1], format: .pem)],
      privateKey: .file(path: arguments[2], format: .pem)),
    config: .defaults { $0.http2.maxConcurrentStreams = 1000 },
    eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1))
  try await GRPCServer(transport: transport, services: [EchoAnswers()]).serve()
}

/// What is wrong with a run, in words.
struct Wrong: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
