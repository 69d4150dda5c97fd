internal import RPCCore

/// One address to connect to.
struct ResolvedAddress: Sendable, Hashable, CustomStringConvertible {
  /// The target's host that it belongs to, by which the server's certificate is checked.
  let host: HostPort
  /// An IP address and the port.
  let address: HostPort

  var description: String {
    host == address ? address.description : "\(host) at \(address.host)"
  }

  /// The addresses of a target: those of every host in turn, each once.
  ///
  /// A name that does not resolve is passed over while another host has an address.
  static func all(
    of target: ChannelTarget, _ resolver: any NameResolver
  ) async -> Result<[ResolvedAddress], NameResolutionError> {
    var found: [ResolvedAddress] = []
    var failures: [String] = []
    for host in target.hosts {
      guard !host.isAddress else {
        found.append(ResolvedAddress(host: host, address: host))
        continue
      }
      do {
        let addresses = try await resolver.addresses(of: host)
        if addresses.isEmpty { failures.append("the name \(host.host) has no address") }
        found += interleaved(addresses.map { ResolvedAddress(host: host, address: $0) })
      } catch {
        failures.append("\(error)")
      }
    }
    var seen: Set<ResolvedAddress> = []
    found = found.filter { seen.insert($0).inserted }
    return found.isEmpty
      ? .failure(NameResolutionError(failures.joined(separator: "; "))) : .success(found)
  }

  /// The same addresses with the families in turn, the first one's first (RFC 8305, 4): when one
  /// family does not work, the other is not far down the list.
  static func interleaved(_ addresses: [ResolvedAddress]) -> [ResolvedAddress] {
    func isV6(_ item: ResolvedAddress) -> Bool { item.address.host.contains(":") }
    guard let first = addresses.first else { return [] }
    let own = addresses.filter { isV6($0) == isV6(first) }
    let other = addresses.filter { isV6($0) != isV6(first) }
    var result: [ResolvedAddress] = []
    for index in 0..<max(own.count, other.count) {
      if index < own.count { result.append(own[index]) }
      if index < other.count { result.append(other[index]) }
    }
    return result
  }
}
