/// Call metadata: ordered, several values per name (gRPC over HTTP/2, "Custom-Metadata").
///
/// Names are lower case, `[0-9a-z_.-]`. A name that ends in `-bin` has binary values, all others
/// have printable ASCII (0x20…0x7E). What an application stores here is checked when it is sent;
/// the transport refuses reserved names (`grpc-*`, `te`, `connection`, pseudo-headers).
package struct Metadata: Sendable, Hashable {
  /// One name and one value.
  package struct Entry: Sendable, Hashable {
    /// A value: text, or bytes for names that end in `-bin`.
    package enum Value: Sendable, Hashable {
      case text(String)
      case binary([UInt8])
    }

    package var name: String
    package var value: Value

    package init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// Text entries as they were received, before those in `list`: they become texts when somebody
  /// asks, as most handlers read none.
  private var received = ReceivedEntries()
  private var list: [Entry]

  /// No entries.
  package init() { list = [] }

  /// Entries as they came; names must be lower case already.
  package init(entries: [Entry]) { list = entries }

  /// All entries in their order on the wire.
  package var entries: [Entry] { received.isEmpty ? list : received.entries + list }

  package var isEmpty: Bool { received.isEmpty && list.isEmpty }
  package var count: Int { entries.count }

  /// The first text value of a name.
  package subscript(name: String) -> String? { first(name) }

  /// The first text value of a name, or nil.
  package func first(_ name: String) -> String? {
    if let text = received.first(name) { return text }
    for entry in list where entry.name == name {
      if case .text(let text) = entry.value { return text }
    }
    return nil
  }

  /// Every text value of a name, in order.
  package func values(_ name: String) -> [String] {
    entries.compactMap { entry in
      guard entry.name == name, case .text(let text) = entry.value else { return nil }
      return text
    }
  }

  /// Every binary value of a name that ends in `-bin`, in order.
  package func binaryValues(_ name: String) -> [[UInt8]] {
    entries.compactMap { entry in
      guard entry.name == name, case .binary(let bytes) = entry.value else { return nil }
      return bytes
    }
  }

  /// Adds a text value; the name is made lower case.
  package mutating func append(_ name: String, _ value: String) {
    list.append(Entry(name: Self.folded(name), value: .text(value)))
  }

  /// Adds a binary value; the name ends in `-bin`.
  package mutating func append(_ name: String, binary value: [UInt8]) {
    list.append(Entry(name: Self.folded(name), value: .binary(value)))
  }

  /// Adds an entry as it is.
  package mutating func append(_ entry: Entry) { list.append(entry) }

  /// Adds a text entry as it was received; the caller has checked that both are what metadata may
  /// be.
  package mutating func append(
    received name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) {
    if list.isEmpty, unsafe received.append(name, value) { return }
    let text = unsafe String(decoding: value, as: UTF8.self)
    list.append(Entry(name: unsafe String(decoding: name, as: UTF8.self), value: .text(text)))
  }

  /// Adds every entry of another list.
  package mutating func append(contentsOf other: Metadata) {
    list.append(contentsOf: other.entries)
  }

  /// Replaces every value of a name with one.
  package mutating func set(_ name: String, _ value: String) {
    remove(name)
    append(name, value)
  }

  /// Removes every value of a name.
  package mutating func remove(_ name: String) {
    let name = Self.folded(name)
    removeAll { $0.name == name }
  }

  /// Removes all entries, and keeps room for as many that are received.
  package mutating func removeAll() {
    received.removeAll()
    list = []
  }

  /// Removes the entries for which the condition holds.
  package mutating func removeAll(where condition: (Entry) -> Bool) {
    list = entries.filter { !condition($0) }
    received = ReceivedEntries()
  }

  private static func folded(_ name: String) -> String {
    name.utf8.contains { $0 >= 0x41 && $0 <= 0x5A } ? name.lowercased() : name
  }
}

extension Metadata: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, String)...) {
    self.init()
    for (name, value) in elements { append(name, value) }
  }
}

extension Metadata {
  /// Metadata are equal when their entries are, received or not.
  package static func == (left: Self, right: Self) -> Bool { left.entries == right.entries }
  package func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}
