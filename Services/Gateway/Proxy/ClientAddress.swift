/// A client's address as the gateway saw it, without the port.
struct ClientAddress: Sendable, Hashable {
  /// `192.0.2.7`, `2001:db8::1`; empty for calls inside the process.
  let text: String

  /// Takes the host out of `host:port` or `[host]:port`.
  init(remoteAddress: String) {
    if remoteAddress.first == "[", let end = remoteAddress.firstIndex(of: "]") {
      text = String(remoteAddress[remoteAddress.index(after: remoteAddress.startIndex)..<end])
    } else if let colon = remoteAddress.lastIndex(of: ":"),
      remoteAddress.firstIndex(of: ":") == colon
    {
      text = String(remoteAddress[..<colon])
    } else {
      text = remoteAddress
    }
  }

  /// What limits count by: the address, or for IPv6 its network of 64 bits, of which a client
  /// commands every address.
  var network: String {
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard text.contains(":"), halves.count <= 2, !text.contains(".") else { return text }
    func groups(_ half: Substring) -> [Substring] {
      half.split(separator: ":", omittingEmptySubsequences: true)
    }
    let head = groups(halves[0])
    let tail = halves.count == 2 ? groups(halves[1]) : []
    let zeros = max(0, 8 - head.count - tail.count)
    let all = head + Array(repeating: "0", count: halves.count == 2 ? zeros : 0) + tail
    return all.prefix(4).joined(separator: ":") + "::/64"
  }
}
