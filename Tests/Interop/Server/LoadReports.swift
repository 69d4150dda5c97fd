internal import InteropAPI
internal import RPCCore
internal import Synchronization

/// The load that a client has told this server to report, and who asks for it (gRFC A51).
final class LoadReports: OpenRcaService {
  /// A client may ask for reports more often, and does not get them.
  private static let minimumInterval = Duration.milliseconds(50)

  private let report = Mutex(OrcaLoadReport())

  /// Reports something else from now on.
  func set(_ report: TestOrcaReport) { self.report.withLock { $0 = OrcaLoadReport(report) } }

  /// Reports nothing any more.
  func clear() { report.withLock { $0 = OrcaLoadReport() } }

  func streamCoreMetrics(
    _ request: OrcaLoadReportRequest, to writer: MessageWriter<OrcaLoadReport>,
    context: ServerContext
  ) async throws {
    let interval = max(request.reportInterval?.duration ?? .zero, Self.minimumInterval)
    // Until the client leaves, which cancels the task.
    while true {
      try await writer.write(report.withLock { $0 })
      try await Task.sleep(for: interval)
    }
  }
}

extension OrcaLoadReport {
  /// The name of a call's report in its trailers.
  static let trailer = "endpoint-load-metrics-bin"

  init(_ report: TestOrcaReport) {
    self.init(
      cpuUtilization: report.cpuUtilization, memUtilization: report.memoryUtilization,
      requestCost: report.requestCost, utilization: report.utilization)
  }
}

extension ReportInterval {
  fileprivate var duration: Duration { .seconds(seconds) + .nanoseconds(Int64(nanos)) }
}
