internal import AccountingAPI
internal import Glibc
internal import RPCCore
internal import SharedDomain

/// The system's clock; dates are of no matter here.
struct RealClock: WallClock {
  func now() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }

  func localDate(_ instant: Instant) -> CalendarDate {
    CalendarDate(daysSinceEpoch: Int(instant.microseconds / 86_400_000_000))
  }
}

/// What a run of calls cost.
struct LoadResult {
  let calls: Int
  /// Calls that were refused, by collisions that retries did not resolve.
  let refusals: Int
  let seconds: Double
  let processorSeconds: Double

  var perSecond: Double { Double(calls) / seconds }
  /// Microseconds of processor time for each call, of the whole process.
  var processorMicroseconds: Double { processorSeconds / Double(calls) * 1e6 }
}

/// Calls with so many in flight for so long.
func load(
  inFlight: Int, seconds: Double, organizations: [OrganizationID],
  _ call: @escaping @Sendable (ChargeOrderRequest) async throws -> Void
) async -> LoadResult {
  let identifiers = IdentifierGenerator(clock: RealClock())
  let began = ContinuousClock.now
  let processorBegan = processorTime()
  let end = began + .seconds(seconds)
  let (count, refusals) = await withTaskGroup(of: (Int, Int).self) { group in
    for task in 0..<inFlight {
      group.addTask {
        var number = task
        var calls = 0
        var refusals = 0
        while ContinuousClock.now < end {
          let organization = organizations[number % organizations.count]
          number += inFlight + 1
          do {
            try await call(
              ChargeOrderRequest(
                organizationID: organization.text, orderID: identifiers.next().text))
            calls += 1
          } catch {
            refusals += 1
          }
        }
        return (calls, refusals)
      }
    }
    return await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
  }
  return LoadResult(
    calls: count, refusals: refusals,
    seconds: (ContinuousClock.now - began) / .seconds(1),
    processorSeconds: processorTime() - processorBegan)
}

private func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Appends of 4 KiB, each followed by an fsync, one after the other: how many a second.
func fsyncsPerSecond(in folder: String, seconds: Double) -> Double {
  let path = "\(folder)/fsync"
  let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
  precondition(descriptor >= 0, "\(path) can be made")
  defer {
    close(descriptor)
    unlink(path)
  }
  let page = [UInt8](repeating: 1, count: 4096)
  // The file's blocks are there before, as the log's are.
  for _ in 0..<1024 { _ = write(descriptor, page, page.count) }
  fsync(descriptor)
  var count = 0
  let began = ContinuousClock.now
  while ContinuousClock.now - began < .seconds(seconds) {
    pwrite(descriptor, page, page.count, off_t(count % 1024 * 4096))
    fdatasync(descriptor)
    count += 1
  }
  return Double(count) / ((ContinuousClock.now - began) / .seconds(1))
}
