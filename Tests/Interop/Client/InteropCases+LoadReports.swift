internal import InteropAPI
internal import Messages
internal import RPCCore

/// The cases of load reports (gRFC A51). Our client has no load-balancing policy that could take
/// them, so the application looks at them itself.
extension InteropCases {
  private static let reports = [
    TestOrcaReport(
      cpuUtilization: 0.8210, memoryUtilization: 0.5847, utilization: ["util": 0.30499]),
    TestOrcaReport(
      cpuUtilization: 0.29309, memoryUtilization: 0.2, utilization: ["util": 0.2039]),
  ]

  /// What a call costs comes with its trailers.
  func loadReportOfCall() async throws {
    var asked = Self.reports[0]
    asked.requestCost = ["cost": 3456.32]
    let response = ClientResponse()
    _ = try await client.unaryCall(
      SimpleRequest(orcaPerQueryReport: asked), options: CallOptions(response: response))
    let values = response.trailingMetadata?.binaryValues("endpoint-load-metrics-bin") ?? []
    try expect(values.count == 1, "one report, not \(values.count)")
    let report = try OrcaLoadReport(serialized: values[0])
    try expect(report.isLike(asked), "\(asked), not \(report)")
  }

  /// A server's load comes on a stream of its own, and changes.
  func loadReportsOfServer() async throws {
    let limit = CallOptions(timeout: .seconds(10))
    let channel = channel
    let request = OrcaLoadReportRequest(
      reportInterval: ReportInterval(nanos: 100_000_000))
    try await OpenRcaServiceClient(channel: channel).streamCoreMetrics(request, options: limit) {
      reports in
      try await client.fullDuplexCall(options: limit) { answers, writer in
        for asked in Self.reports {
          try await writer.write(
            StreamingOutputCallRequest(
              responseParameters: [ResponseParameters(size: 1)], orcaOobReport: asked))
          try await expect(answers.next(), zeros: 1)
          // What was on its way before may come first.
          var report = try await reports.next()
          while report?.isLike(asked) == false { report = try await reports.next() }
          try expect(report != nil, "reports until the client leaves")
        }
        await writer.finish()
        try expect(try await answers.next() == nil, "no more answers")
      }
    }
  }
}

extension OrcaLoadReport {
  fileprivate func isLike(_ other: TestOrcaReport) -> Bool {
    cpuUtilization == other.cpuUtilization && memUtilization == other.memoryUtilization
      && requestCost == other.requestCost && utilization == other.utilization
  }
}
