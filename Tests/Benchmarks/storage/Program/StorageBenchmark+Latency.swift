internal import AccountingAPI
internal import Glibc
internal import RPCCore
internal import SQLCore
internal import SQLiteDriver
internal import SharedDomain

/// The length of one transfer when nothing else is under way.
extension StorageBenchmark {
  /// Prints the medians of a transfer by a call, of one without the call, and of an fdatasync after a
  /// write of as many bytes as such a commit writes.
  func alone() async throws {
    let database = try SQLiteDatabase(path: "\(folder)/alone.db")
    try await Migrator(Self.schema).migrate(database)
    try await fill(database, 2000)
    let handler = TransferHandler(database, parts: .all, clock: clock)
    let context = ServerContext(method: ChargeServiceMethods.chargeOrder)
    let serving = try await Serving(handler, folder: folder)
    let count = 1000
    let bytes = try await bytesWritten(by: 100) { index in
      _ = try await handler.chargeOrder(request(index), context: context)
    }
    // Connections and caches first.
    for index in 0..<50 { try await serving.call(request(index)) }
    // Taken in turns: the disk may be shared.
    var calls: [Double] = []
    var transfers: [Double] = []
    var fsyncs: [Double] = []
    for round in 0..<10 {
      for index in 0..<count / 10 {
        let number = round * count + index
        calls.append(try await microseconds { try await serving.call(request(number)) })
      }
      for index in 0..<count / 10 {
        let number = round * count + index
        transfers.append(
          try await microseconds {
            _ = try await handler.chargeOrder(request(number), context: context)
          })
      }
      fsyncs += fsyncMicroseconds(of: bytes, in: folder, count: count / 10)
    }
    try await serving.close()
    await database.close()
    let (call, transfer, fsync) = (median(calls), median(transfers), median(fsyncs))
    say(
      "  one after the other, median: \(number(call).trimmed) µs by a call, \(number(transfer).trimmed) µs without it;"
    )
    say(
      "    fdatasync of the same \(bytes / 1024) KiB: \(number(fsync).trimmed) µs; so the call is "
        + "\(number(call / fsync, 1).trimmed) fsyncs long")
  }

  private func request(_ index: Int) -> ChargeOrderRequest {
    ChargeOrderRequest(
      organizationID: organizations[index % organizations.count].text,
      orderID: generator.next().text)
  }

  /// By how much each of so many transfers lengthens the log, which is still young.
  private func bytesWritten(
    by count: Int, _ transfer: (Int) async throws -> Void
  ) async throws -> Int {
    var growths: [Double] = []
    for index in 0..<count {
      let before = logSize()
      try await transfer(index)
      growths.append(Double(logSize() - before))
    }
    return max(4096, Int(median(growths.filter { $0 > 0 })))
  }

  private func logSize() -> Int {
    var status = stat()
    return stat("\(folder)/alone.db-wal", &status) == 0 ? Int(status.st_size) : 0
  }

  private func microseconds(_ body: () async throws -> Void) async throws -> Double {
    let began = ContinuousClock.now
    try await body()
    return (ContinuousClock.now - began) / .microseconds(1)
  }
}

/// The middle one of the values; 0 of none.
func median(_ values: [Double]) -> Double {
  values.isEmpty ? 0 : values.sorted()[values.count / 2]
}

/// Writes of so many bytes over what is there, one after the other in a file, each followed by an
/// fdatasync; how long each took.
private func fsyncMicroseconds(of bytes: Int, in folder: String, count: Int) -> [Double] {
  let path = "\(folder)/fsync"
  let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
  precondition(descriptor >= 0, "\(path) can be made")
  defer {
    close(descriptor)
    unlink(path)
  }
  let block = [UInt8](repeating: 1, count: bytes)
  for _ in 0..<count { _ = write(descriptor, block, bytes) }
  fsync(descriptor)
  return (0..<count).map { index in
    let began = ContinuousClock.now
    pwrite(descriptor, block, bytes, off_t(index * bytes))
    fdatasync(descriptor)
    return (ContinuousClock.now - began) / .microseconds(1)
  }
}
