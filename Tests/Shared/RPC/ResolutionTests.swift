import RPCCore
import Testing

@testable import RPCTransport

private let second: UInt64 = 1_000_000_000
private let middle: UInt64 = 1 << 63

@Suite("Name resolution")
struct ResolutionTests {
  @Test(
    "Targets are read in gRPC's forms",
    arguments: [
      ("dns:shop:8444", ["shop:8444"]), ("dns:///shop.test:1", ["shop.test:1"]),
      ("ipv4:127.0.0.1:1,10.0.0.1:2", ["127.0.0.1:1", "10.0.0.1:2"]),
      ("ipv6:[::1]:1,[2001:db8::1]:2", ["[::1]:1", "[2001:db8::1]:2"]),
      ("shop-1:8444,10.0.0.1:8444,[::1]:8444", ["shop-1:8444", "10.0.0.1:8444", "[::1]:8444"]),
      ("localhost:1", ["localhost:1"]),
    ])
  func targets(text: String, hosts: [String]) throws {
    let target = try ChannelTarget(text)
    #expect(target.hosts.map(\.description) == hosts)
    #expect(target.description == text)
  }

  @Test(
    "A malformed target is refused with what was expected",
    arguments: [
      "", "shop", "dns:shop", "dns:a:1,b:2", "dns://8.8.8.8/shop:1", "ipv4:shop:1", "ipv4:[::1]:1",
      "ipv6:127.0.0.1:1", "ipv4:127.0.0.1", "ipv4:", "a:1,", ",a:1", "a:1,,b:2", "unix:/socket",
      "a:0", "a:70000",
    ])
  func malformed(text: String) {
    let error = #expect(throws: ChannelTarget.Malformed.self) { try ChannelTarget(text) }
    #expect(error?.description.contains("expected") == true)
  }

  @Test("A list has a bound")
  func longList() throws {
    let hosts = (1...ChannelTarget.maximumHosts).map { "h:\($0)" }
    #expect(try ChannelTarget(hosts.joined(separator: ",")).hosts.count == 64)
    #expect(throws: ChannelTarget.Malformed.self) {
      try ChannelTarget((hosts + ["h:99"]).joined(separator: ","))
    }
  }

  @Test("Address families take turns")
  func interleaved() {
    func address(_ text: String) -> ResolvedAddress {
      let address = HostPort(host: text, port: 1)
      return ResolvedAddress(host: address, address: address)
    }
    let sorted = ResolvedAddress.interleaved(
      ["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"].map(address))
    #expect(sorted.map(\.address.host) == ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"])
    #expect(ResolvedAddress.interleaved([]).isEmpty)
  }

  @Test("Names are not resolved more often than at the minimum interval")
  func interval() {
    var state = ResolutionState(minimumInterval: 30 * second, backoff: .connection)
    #expect(outcome(state.request(now: 0)) == .resolve)
    #expect(outcome(state.request(now: 0)) == .none)
    state.succeeded(now: second)
    #expect(outcome(state.request(now: 2 * second)) == .wait(until: 31 * second))
    #expect(outcome(state.request(now: 3 * second)) == .none)
    #expect(outcome(state.timePassed(now: 30 * second)) == .none)
    #expect(outcome(state.timePassed(now: 31 * second)) == .resolve)
    #expect(state.isResolving)
    state.succeeded(now: 32 * second)
    #expect(outcome(state.timePassed(now: 99 * second)) == .none)
    #expect(outcome(state.request(now: 99 * second)) == .resolve)
  }

  @Test("After failures the next resolution waits for the back-off")
  func backoff() {
    var state = ResolutionState(minimumInterval: 30 * second, backoff: .connection)
    #expect(outcome(state.request(now: 0)) == .resolve)
    state.failed(now: 0, random: middle)
    #expect(!state.isRested(now: second - 1) && state.isRested(now: second))
    #expect(outcome(state.request(now: 0)) == .wait(until: second))
    #expect(outcome(state.timePassed(now: second)) == .resolve)
    state.failed(now: second, random: middle)
    #expect(outcome(state.request(now: second)) == .wait(until: second + UInt64(1.6e9)))
  }

  @Test("The system's resolver finds localhost and refuses what does not exist")
  func system() async throws {
    let resolver = SystemNameResolver()
    let found = try await resolver.addresses(of: HostPort(host: "localhost", port: 7))
    #expect(found.contains(HostPort(host: "127.0.0.1", port: 7)) || !found.isEmpty)
    let error = await #expect(throws: NameResolutionError.self) {
      try await resolver.addresses(of: HostPort(host: "no-such-host.invalid", port: 7))
    }
    #expect(error?.description.contains("no-such-host.invalid does not resolve") == true)
  }
}
