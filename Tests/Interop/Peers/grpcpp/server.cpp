// grpc++'s server of the interoperability tests: prints its port, ends when its input does.
#include <unistd.h>

#include <iostream>
#include <mutex>
#include <thread>

#include "peer.h"

namespace grpc::testing {

// A friend of ServerContext by this name.
class InteropServerContextInspector {
 public:
  static bool was_compressed(const grpc::ServerContext &context) {
    return grpc_call_test_only_get_message_flags(context.call_.call) & compressed_flag;
  }
};

}  // namespace grpc::testing

namespace interop {
namespace {

using namespace grpc::testing;
using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

// Whether the request came as it says that it does.
template <class Request>
bool came_as_said(const ServerContext &context, const Request &request) {
  return !request.has_expect_compressed() ||
         request.expect_compressed().value() ==
             InteropServerContextInspector::was_compressed(context);
}

void echo_metadata(ServerContext *context) {
  for (const auto &[name, value] : context->client_metadata()) {
    if (name == "x-grpc-test-echo-initial")
      context->AddInitialMetadata("x-grpc-test-echo-initial", {value.data(), value.size()});
    if (name == "x-grpc-test-echo-trailing-bin")
      context->AddTrailingMetadata("x-grpc-test-echo-trailing-bin", {value.data(), value.size()});
  }
}

OrcaLoadReport report_of(const TestOrcaReport &asked) {
  OrcaLoadReport report;
  report.set_cpu_utilization(asked.cpu_utilization());
  report.set_mem_utilization(asked.memory_utilization());
  *report.mutable_request_cost() = asked.request_cost();
  *report.mutable_utilization() = asked.utilization();
  return report;
}

// Tells what clients have asked this server to report.
class LoadReports final : public OpenRcaService::Service {
 public:
  void set(const TestOrcaReport &asked) {
    const std::lock_guard lock(mutex_);
    report_ = report_of(asked);
  }

 private:
  Status StreamCoreMetrics(ServerContext *, const OrcaLoadReportRequest *request,
                           grpc::ServerWriter<OrcaLoadReport> *writer) override {
    const auto interval = std::chrono::seconds(request->report_interval().seconds()) +
                          std::chrono::nanoseconds(request->report_interval().nanos());
    while (writer->Write(current()))
      std::this_thread::sleep_for(std::max<std::chrono::nanoseconds>(interval, minimum_interval));
    return Status::OK;
  }

  OrcaLoadReport current() {
    const std::lock_guard lock(mutex_);
    return report_;
  }

  static constexpr std::chrono::milliseconds minimum_interval{50};
  std::mutex mutex_;
  OrcaLoadReport report_;
};

Status status_of(const EchoStatus &status) {
  return {static_cast<StatusCode>(status.code()), status.message()};
}

template <class Stream>
void answer(const ServerContext &context, const StreamingOutputCallRequest &request,
            Stream *stream) {
  for (const auto &parameters : request.response_parameters()) {
    std::this_thread::sleep_for(std::chrono::microseconds(parameters.interval_us()));
    StreamingOutputCallResponse response;
    fill(response.mutable_payload(), parameters.size());
    if (parameters.fill_peer_socket_address().value())
      response.set_peer_socket_address(context.peer());
    grpc::WriteOptions options;
    if (!parameters.compressed().value()) options.set_no_compression();
    stream->Write(response, options);
  }
}

class Service final : public TestService::Service {
 public:
  explicit Service(LoadReports *reports) : reports_(reports) {}

 private:
  Status EmptyCall(ServerContext *, const Empty *, Empty *) override { return Status::OK; }

  Status UnaryCall(ServerContext *context, const SimpleRequest *request,
                   SimpleResponse *response) override {
    echo_metadata(context);
    if (!came_as_said(*context, *request))
      return {StatusCode::INVALID_ARGUMENT, "the request's compression is not what it says"};
    // What grpc++ has for reports is not in Debian's library.
    if (request->has_orca_per_query_report())
      context->AddTrailingMetadata(
          "endpoint-load-metrics-bin",
          report_of(request->orca_per_query_report()).SerializeAsString());
    context->set_compression_algorithm(
        request->response_compressed().value() ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
    if (request->has_response_status()) return status_of(request->response_status());
    fill(response->mutable_payload(), request->response_size());
    if (request->fill_server_id()) response->set_server_id(std::to_string(getpid()));
    return Status::OK;
  }

  Status StreamingOutputCall(ServerContext *context, const StreamingOutputCallRequest *request,
                             grpc::ServerWriter<StreamingOutputCallResponse> *writer) override {
    for (const auto &parameters : request->response_parameters())
      if (parameters.compressed().value()) context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
    answer(*context, *request, writer);
    return request->has_response_status() ? status_of(request->response_status()) : Status::OK;
  }

  Status StreamingInputCall(ServerContext *context,
                            grpc::ServerReader<StreamingInputCallRequest> *reader,
                            StreamingInputCallResponse *response) override {
    StreamingInputCallRequest request;
    int size = 0;
    while (reader->Read(&request)) {
      if (!came_as_said(*context, request))
        return {StatusCode::INVALID_ARGUMENT, "a request's compression is not what it says"};
      size += static_cast<int>(request.payload().body().size());
    }
    response->set_aggregated_payload_size(size);
    return Status::OK;
  }

  Status FullDuplexCall(
      ServerContext *context,
      grpc::ServerReaderWriter<StreamingOutputCallResponse, StreamingOutputCallRequest> *stream)
      override {
    echo_metadata(context);
    StreamingOutputCallRequest request;
    while (stream->Read(&request)) {
      if (request.has_orca_oob_report()) reports_->set(request.orca_oob_report());
      if (request.has_response_status()) return status_of(request.response_status());
      answer(*context, request, stream);
    }
    return Status::OK;
  }

  LoadReports *const reports_;
};

}  // namespace

int run_server(const Options &options) {
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back(
      {contents(options.at("tls_key_file")), contents(options.at("tls_cert_file"))});
  LoadReports reports;
  Service service(&reports);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + options.at("port"), grpc::SslServerCredentials(tls),
                           &port);
  if (options.count("max_concurrent_streams"))
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                               std::stoi(options.at("max_concurrent_streams")));
  builder.RegisterService(&service);
  builder.RegisterService(&reports);
  const auto server = builder.BuildAndStart();
  if (!server) throw std::runtime_error("the server does not start");
  std::cout << port << std::endl;
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(30));
  return 0;
}

}  // namespace interop
