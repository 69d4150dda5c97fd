internal import HealthAPI
package import Logging
internal import NIOCore
package import NIOPosix
package import RPCCore
package import RPCTransport
internal import Reflection
package import SharedDomain
internal import TLS

/// A service's side of the network, as it is configured: event loops, certificates, its server and
/// its channels to other services.
package struct ServiceNetwork: Sendable {
  /// The event loops that server and channels share.
  package let group: MultiThreadedEventLoopGroup
  private let configuration: ServiceConfiguration
  private let logger: Logger
  private let client: TLSClientCredentials
  private let peerConfig: ServiceConfig
  private let replicasConfig: ServiceConfig
  private let certificates: CertificateWatch

  /// Reads the certificates and starts the event loops.
  ///
  /// - Throws: `TLSError` or ``ConfigurationError`` naming the file that is not usable.
  package init(_ configuration: ServiceConfiguration, logger: Logger) throws {
    self.configuration = configuration
    self.logger = logger
    client = try TLSClientCredentials(
      authorityFile: configuration[.authority],
      certificateChainFile: configuration[.certificate],
      privateKeyFile: configuration[.privateKey])
    let config = try configuration[.peersServiceConfig].map { try ServiceConfig(file: $0) }
    peerConfig = try config ?? .betweenServices(hasReplicas: false)
    replicasConfig = try config ?? .betweenServices(hasReplicas: true)
    certificates = CertificateWatch(
      files: [
        configuration[.certificate], configuration[.privateKey], configuration[.authority],
      ], logger: logger)
    certificates.add { [client] in try client.reload() }
    let threads = configuration[.threads]
    group = MultiThreadedEventLoopGroup(
      numberOfThreads: threads > 0 ? threads : System.coreCount)
  }

  /// Background work that loads the certificates again when their files change or SIGHUP comes,
  /// for the servers and the channels made so far. To be run once.
  package func certificateWatch(_ termination: Termination) -> ServiceRun.Background {
    ServiceRun.Background("certificates") { await certificates.run(hangUps: termination.hangUps) }
  }

  /// Limits of servers. Connections come to an age, so that new certificates and addresses reach
  /// every peer in the end.
  private static var serverLimits: RPCLimits {
    var limits = RPCLimits.standard
    limits.maximumConnectionAgeSeconds = 60 * 60
    limits.connectionAgeGraceSeconds = 5 * 60
    return limits
  }

  /// Limits of connections between services: one whose other machine is gone without a word is
  /// found within half a minute of a call, and PINGs to that end are welcome.
  private static var peerLimits: RPCLimits {
    var limits = serverLimits
    limits.clientKeepaliveSeconds = 20
    limits.keepaliveTimeoutSeconds = 10
    limits.minimumPingSeconds = 10
    limits.minimumIdlePingSeconds = 10
    return limits
  }

  /// A channel to another service, by mutual TLS; it connects when it is first used.
  ///
  /// The certificate that the other side shows must be that service's, whatever the host is called.
  /// Where several hosts are configured, calls go to them in turn, unless `peers.service_config` says
  /// something else.
  package func channel(to service: ServiceName) -> RPCChannel {
    let target = configuration.peer(service)
    return RPCChannel(
      RPCChannel.Configuration(
        target: target, tls: client, serverName: service.executable,
        serviceConfig: target.hosts.count == 1 ? peerConfig : replicasConfig,
        backoff: .betweenServices, limits: Self.peerLimits),
      group: group, logger: logger)
  }

  /// The server of a service that only other services call, by mutual TLS.
  ///
  /// Health is answered besides, to every peer with a certificate of the authority; reflection,
  /// where the configuration has it on, to the operator.
  ///
  /// - Parameters:
  ///   - allowedPeers: for each RPC service's full name who may call it.
  ///   - interceptors: run around every call, health included, the first outermost; inside the
  ///     call log.
  /// - Throws: `TLSError` naming the file that is not usable.
  /// - Precondition: `allowedPeers` names exactly the services.
  package func server(
    _ services: [ServiceRegistration], health: ServingStatus,
    allowedPeers: [String: Set<ServiceName>], interceptors: [any ServerInterceptor]
  ) throws -> RPCServer {
    precondition(
      Set(allowedPeers.keys) == Set(services.map(\.name)), "every RPC service names its callers")
    return try server(
      services, forwarded: [], health: health, clientAuthorityFile: configuration[.authority],
      allowedPeers: allowedPeers.mapValues { Set($0.map(\.executable)) },
      interceptors: interceptors, fallback: nil)
  }

  /// The server that everybody may call: TLS, no certificate asked of the client.
  ///
  /// - Parameters:
  ///   - forwarded: the full names of the RPC services that `fallback` answers, for reflection.
  ///   - fallback: answers what none of `services` does.
  package func publicServer(
    _ services: [ServiceRegistration] = [], health: ServingStatus,
    interceptors: [any ServerInterceptor] = [], forwarded: [String] = [],
    fallback: (any RawHandler)?
  ) throws -> RPCServer {
    try server(
      services, forwarded: forwarded, health: health, clientAuthorityFile: nil, allowedPeers: [:],
      interceptors: interceptors, fallback: fallback)
  }

  /// Ends the event loops, once servers are drained and channels closed.
  package func close() async {
    do {
      try await group.shutdownGracefully()
    } catch {
      logger.warning("the event loops did not end", metadata: ["error": "\(error)"])
    }
  }

  private func server(
    _ services: [ServiceRegistration], forwarded: [String], health: ServingStatus,
    clientAuthorityFile: String?, allowedPeers: [String: Set<String>],
    interceptors: [any ServerInterceptor], fallback: (any RawHandler)?
  ) throws -> RPCServer {
    var services = services + [ServiceRegistration(health: health)]
    var allowedPeers = allowedPeers
    if configuration[.reflectionEnabled] {
      services += try ReflectionService(
        services: services.map(\.name) + forwarded, shutdown: { await health.watchesEnd() }
      ).registrations
      for name in ReflectionService.names { allowedPeers[name] = [OperatorCertificate.dnsName] }
    }
    let credentials = try TLSServerCredentials(
      certificateChainFile: configuration[.certificate],
      privateKeyFile: configuration[.privateKey], clientAuthorityFile: clientAuthorityFile)
    certificates.add { try credentials.reload() }
    // Other services try again what they could not reach, not what they were answered.
    let isPublic = !credentials.requiresClientCertificate
    let pushback: [any ServerInterceptor] = isPublic ? [] : [HandlerPushback()]
    let callerLimit = CallerLimit(
      callsPerUser: configuration[.callsPerUser], callsPerPeer: configuration[.callsPerPeer])
    return RPCServer(
      configuration: RPCServer.Configuration(
        host: configuration[.listenHost], port: configuration[.listenPort], tls: credentials,
        allowedPeers: allowedPeers,
        limits: isPublic ? Self.serverLimits : Self.peerLimits),
      services: services,
      interceptors: [CallLog(logger: logger)] + pushback + interceptors + [callerLimit],
      fallback: fallback, group: group, logger: logger)
  }
}

extension ServiceConfiguration {
  /// Where another service listens, by `peers.…`.
  ///
  /// - Precondition: not the gateway, which no service calls.
  package func peer(_ service: ServiceName) -> ChannelTarget {
    switch service {
    case .identity: self[.identityPeer]
    case .organizations: self[.organizationsPeer]
    case .shop: self[.shopPeer]
    case .accounting: self[.accountingPeer]
    case .gateway: preconditionFailure("no service calls the gateway")
    }
  }
}
