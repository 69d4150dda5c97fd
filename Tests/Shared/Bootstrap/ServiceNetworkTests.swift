import Cryptography
import Glibc
import HealthAPI
import Logging
import RPCCore
import RPCTransport
import ReflectionAPI
import SharedDomain
import Testing

@testable import Bootstrap

private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A certificate authority with certificates of two services, in files.
private struct Certificates {
  private let folder: TemporaryFolder
  private let authority: CertificateAuthority
  private let validity: CertificateValidity

  init() throws {
    let now = Instant(microseconds: systemMicroseconds())
    validity = CertificateValidity(
      from: now.advanced(by: .hours(-1)), until: now.advanced(by: .hours(1)))
    folder = try TemporaryFolder()
    authority = try CertificateAuthority(name: "test", validity: validity)
  }

  /// The configuration of a service with its certificate.
  func configuration(
    _ service: ServiceName, _ arguments: [String] = [], port: Int = 0, dnsName: String? = nil
  ) throws -> ServiceConfiguration {
    let own = try authority.issue(
      dnsNames: [dnsName ?? service.executable], validity: validity)
    let name = service.rawValue
    return try ServiceConfiguration(
      service, settings: CommonSettings.all(for: service),
      sources: .init(
        arguments: [
          "--tls.authority", try folder.write(authority.identity.certificatePEM, to: "ca.pem"),
          "--tls.certificate", try folder.write(own.certificatePEM, to: "\(name).pem"),
          "--tls.key", try folder.write(own.privateKeyPEM, to: "\(name).key"),
          "--threads=1", "--listen.port=\(port)",
        ] + arguments))
  }
}

@Suite("Service network")
struct ServiceNetworkTests {
  @Test("a watch tells the state now and each change, and ends with the process")
  func watch() async throws {
    let certificates = try Certificates()
    let shop = try ServiceNetwork(certificates.configuration(.shop), logger: silent)
    let health = ServingStatus(services: ["kontor.shop.v1.OrderService"])
    let server = try shop.server([], health: health, allowedPeers: [:], interceptors: [])
    let port = try await server.start()
    let identity = try ServiceNetwork(
      certificates.configuration(.identity, ["--peers.shop=127.0.0.1:\(port)"]), logger: silent)
    let channel = identity.channel(to: .shop)
    let client = HealthClient(channel: channel)

    let unknown = try await client.watch(HealthCheckRequest(service: "nobody")) {
      try await $0.next()?.status
    }
    #expect(unknown == .serviceUnknown)
    let error = await #expect(throws: RPCError.self) {
      try await client.watch(HealthCheckRequest(service: "kontor.shop.v1.OrderService")) {
        #expect(try await $0.next()?.status == .notServing)
        health.set(.serving)
        #expect(try await $0.next()?.status == .serving)
        health.set(.notServing)
        health.endWatches()
        #expect(try await $0.next()?.status == .notServing)
        _ = try await $0.next()
      }
    }
    #expect(error?.code == .unavailable)

    await channel.close()
    await server.drain(grace: .zero)
    await shop.close()
    await identity.close()
  }

  @Test("a service tells another, by mutual TLS, whether it serves")
  func health() async throws {
    let certificates = try Certificates()
    let shop = try ServiceNetwork(certificates.configuration(.shop), logger: silent)
    let health = ServingStatus(services: ["kontor.shop.v1.OrderService"])
    let server = try shop.server([], health: health, allowedPeers: [:], interceptors: [])
    let port = try await server.start()
    let identity = try ServiceNetwork(
      certificates.configuration(.identity, ["--peers.shop=127.0.0.1:\(port)"]), logger: silent)
    let channel = identity.channel(to: .shop)
    let client = HealthClient(channel: channel)

    var answer = try await client.check(HealthCheckRequest())
    #expect(answer.status == .notServing)
    health.set(.serving)
    answer = try await client.check(HealthCheckRequest(service: "kontor.shop.v1.OrderService"))
    #expect(answer.status == .serving)
    let list = try await client.list(HealthListRequest())
    #expect(list.statuses.keys.sorted() == ["", "kontor.shop.v1.OrderService"])
    let error = await #expect(throws: RPCError.self) {
      try await client.check(HealthCheckRequest(service: "nobody"))
    }
    #expect(error?.code == .notFound)

    await channel.close()
    await server.drain(grace: .zero)
    await shop.close()
    await identity.close()
  }

  /// What a peer of a certificate name is told by a service's reflection.
  private func services(
    askedBy name: String, reflection: Bool
  ) async throws -> Result<[String], RPCError> {
    let certificates = try Certificates()
    let shop = try ServiceNetwork(
      certificates.configuration(.shop, reflection ? ["--reflection.enabled"] : []),
      logger: silent)
    let health = ServingStatus(services: [])
    let server = try shop.server([], health: health, allowedPeers: [:], interceptors: [])
    let port = try await server.start()
    let caller = try ServiceNetwork(
      certificates.configuration(
        .identity, ["--peers.shop=127.0.0.1:\(port)"], dnsName: name), logger: silent)
    let channel = caller.channel(to: .shop)
    var result: Result<[String], RPCError>
    do {
      result = try await ServerReflectionClient(channel: channel).serverReflectionInfo {
        answers, questions in
        try await questions.write(ServerReflectionRequest(messageRequest: .listServices("")))
        guard case .listServicesResponse(let list)? = try await answers.next()?.messageResponse
        else { return .success([]) }
        // The stream is open still: it ends before a drain that would wait for it.
        health.endWatches()
        let end = await #expect(throws: RPCError.self) { try await answers.next() }
        #expect(end?.code == .unavailable)
        return .success(list.service.map(\.name))
      }
    } catch let error as RPCError {
      result = .failure(error)
    }
    await channel.close()
    await server.drain(grace: .zero)
    await shop.close()
    await caller.close()
    return result
  }

  @Test("reflection is for the operator, where it is on")
  func reflection() async throws {
    let names = try await services(askedBy: "kontor-operator", reflection: true).get()
    #expect(
      names == [
        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ])
    for peer in ["kontor-gateway", "kontor-identity"] {
      let answer = try await services(askedBy: peer, reflection: true)
      let error = #expect(throws: RPCError.self) { try answer.get() }
      #expect(error?.code == .permissionDenied)
    }
    let answer = try await services(askedBy: "kontor-operator", reflection: false)
    let error = #expect(throws: RPCError.self) { try answer.get() }
    #expect(error?.code == .unimplemented)
  }

  @Test("a service is not taken for another, whatever host and port it is found at")
  func wrongName() async throws {
    let certificates = try Certificates()
    let shop = try ServiceNetwork(
      certificates.configuration(.shop, dnsName: "kontor-accounting"), logger: silent)
    let server = try shop.server(
      [], health: ServingStatus(services: []), allowedPeers: [:], interceptors: [])
    let port = try await server.start()
    let identity = try ServiceNetwork(
      certificates.configuration(.identity, ["--peers.shop=127.0.0.1:\(port)"]), logger: silent)
    let channel = identity.channel(to: .shop)
    let error = await #expect(throws: RPCError.self) {
      try await HealthClient(channel: channel).check(
        HealthCheckRequest(), options: CallOptions(timeout: .seconds(10)))
    }
    #expect(error?.code == .unavailable)
    await channel.close()
    await server.drain(grace: .zero)
    await shop.close()
    await identity.close()
  }

  @Test("a port that is taken is one clear error")
  func takenPort() async throws {
    let certificates = try Certificates()
    let shop = try ServiceNetwork(certificates.configuration(.shop), logger: silent)
    let health = ServingStatus(services: [])
    let first = try shop.publicServer(health: health, fallback: nil)
    let port = try await first.start()
    let other = try ServiceNetwork(
      certificates.configuration(.gateway, port: port), logger: silent)
    let second = try other.publicServer(health: health, fallback: nil)
    let error = await #expect(throws: RPCServer.StartError.self) { try await second.start() }
    #expect(error?.description == "port \(port) on 127.0.0.1 is taken")
    await first.drain(grace: .zero)
    await shop.close()
    await other.close()
  }

  @Test("a certificate that is not there is named")
  func missingCertificate() throws {
    let configuration = try ServiceConfiguration(
      .shop, settings: CommonSettings.all(for: .shop),
      sources: .init(arguments: [
        "--tls.authority=/nonexistent/ca.pem", "--tls.certificate=c", "--tls.key=k",
      ]))
    let error = #expect(throws: (any Error).self) {
      try ServiceNetwork(configuration, logger: silent)
    }
    #expect(String(describing: error).contains("/nonexistent/ca.pem"))
  }

  @Test("calls go to the replicas that say that they serve")
  func replicas() async throws {
    let certificates = try Certificates()
    let states = [ServingStatus(services: []), ServingStatus(services: [])]
    let shop = try ServiceNetwork(certificates.configuration(.shop), logger: silent)
    var servers: [RPCServer] = []
    var hosts: [String] = []
    for state in states {
      let server = try shop.server([], health: state, allowedPeers: [:], interceptors: [])
      hosts.append("127.0.0.1:\(try await server.start())")
      servers.append(server)
    }
    states[0].set(.serving)
    let identity = try ServiceNetwork(
      certificates.configuration(
        .identity, ["--peers.shop=\(hosts.joined(separator: ","))"]), logger: silent)
    let channel = identity.channel(to: .shop)
    let client = HealthClient(channel: channel)

    // A replica that does not serve would answer so itself.
    for _ in 0..<20 {
      #expect(try await client.check(HealthCheckRequest()).status == .serving)
    }
    states[1].set(.serving)
    states[0].set(.notServing)
    var inARow = 0
    while inARow < 20 {
      let answer = try? await client.check(HealthCheckRequest())
      inARow = answer?.status == .serving ? inARow + 1 : 0
    }
    states[1].set(.notServing)
    var error: RPCError?
    while error == nil {
      do {
        _ = try await client.check(HealthCheckRequest())
      } catch let failure as RPCError {
        error = failure
      }
    }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("does not serve: NOT_SERVING") == true)
    states[0].set(.serving)
    let options = CallOptions(timeout: .seconds(60), waitForReady: true)
    #expect(try await client.check(HealthCheckRequest(), options: options).status == .serving)

    await channel.close()
    for server in servers { await server.drain(grace: .seconds(60)) }
    await identity.close()
    await shop.close()
  }
}
