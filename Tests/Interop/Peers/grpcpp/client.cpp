// grpc++'s client of the interoperability tests: runs one case, ends with 0 when it holds.
#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "peer.h"

namespace grpc::testing {

// A friend of ClientContext by this name.
class InteropClientContextInspector {
 public:
  static bool was_compressed(const grpc::ClientContext &context) {
    return grpc_call_test_only_get_message_flags(context.call_) & compressed_flag;
  }
};

}  // namespace grpc::testing

namespace interop {
namespace {

using namespace grpc::testing;
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;

constexpr int large_request = 271828, large_response = 314159;
constexpr int request_sizes[] = {27182, 8, 1828, 45904};
constexpr int response_sizes[] = {31415, 9, 2653, 58979};
constexpr int concurrent_calls = 1000, soak_iterations = 100, soak_channels = 10;

void expect(bool holds, const std::string &what) {
  if (!holds) throw std::runtime_error("expected " + what);
}

void expect_ok(const Status &status) {
  expect(status.ok(), "OK, not " + std::to_string(status.error_code()) + " " +
                          status.error_message());
}

void expect_failure(const Status &status, StatusCode code) {
  expect(status.error_code() == code,
         "status " + std::to_string(code) + ", not " + std::to_string(status.error_code()) + " " +
             status.error_message());
}

template <class Message>
void expect_zeros(const Message &message, int size) {
  expect(message.payload().body() == std::string(static_cast<size_t>(size), '\0'),
         std::to_string(size) + " zeros, not " + std::to_string(message.payload().body().size()) +
             " bytes");
}

SimpleRequest large() {
  SimpleRequest request;
  request.set_response_size(large_response);
  fill(request.mutable_payload(), large_request);
  return request;
}

StreamingOutputCallRequest output(int response_size, int request_size) {
  StreamingOutputCallRequest request;
  request.add_response_parameters()->set_size(response_size);
  fill(request.mutable_payload(), request_size);
  return request;
}

// What a server is to report.
TestOrcaReport load(double processor, double memory, double utilization) {
  TestOrcaReport report;
  report.set_cpu_utilization(processor);
  report.set_memory_utilization(memory);
  (*report.mutable_utilization())["util"] = utilization;
  return report;
}

bool are_equal(const google::protobuf::Map<std::string, double> &left,
               const google::protobuf::Map<std::string, double> &right) {
  return std::map(left.begin(), left.end()) == std::map(right.begin(), right.end());
}

bool is_like(const OrcaLoadReport &report, const TestOrcaReport &asked) {
  return report.cpu_utilization() == asked.cpu_utilization() &&
         report.mem_utilization() == asked.memory_utilization() &&
         are_equal(report.request_cost(), asked.request_cost()) &&
         are_equal(report.utilization(), asked.utilization());
}

class Client {
 public:
  explicit Client(const Options &options) : options_(options) { connect(); }

  void run(const std::string &name) {
    const auto found = cases.find(name);
    if (found == cases.end()) throw std::runtime_error("there is no case " + name);
    (this->*found->second)();
  }

 private:
  static const std::map<std::string, void (Client::*)()> cases;

  void connect() {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = contents(options_.at("tls_ca_file"));
    grpc::ChannelArguments arguments;
    // A channel of its own each time, not the connection of an equal one.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(
        options_.at("server_host") + ":" + options_.at("server_port"), grpc::SslCredentials(tls),
        arguments);
    stub_ = TestService::NewStub(channel_);
  }

  void empty_unary() {
    ClientContext context;
    Empty answer;
    expect_ok(stub_->EmptyCall(&context, Empty(), &answer));
  }

  void large_unary() {
    ClientContext context;
    SimpleResponse answer;
    expect_ok(stub_->UnaryCall(&context, large(), &answer));
    expect_zeros(answer, large_response);
  }

  void client_compressed_unary() {
    SimpleRequest request = large();
    SimpleResponse answer;
    request.mutable_expect_compressed()->set_value(true);
    {
      ClientContext context;
      expect_failure(stub_->UnaryCall(&context, request, &answer), StatusCode::INVALID_ARGUMENT);
    }
    for (const bool compressed : {true, false}) {
      ClientContext context;
      if (compressed) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
      request.mutable_expect_compressed()->set_value(compressed);
      expect_ok(stub_->UnaryCall(&context, request, &answer));
      expect_zeros(answer, large_response);
    }
  }

  void server_compressed_unary() {
    for (const bool compressed : {true, false}) {
      ClientContext context;
      SimpleRequest request = large();
      SimpleResponse answer;
      request.mutable_response_compressed()->set_value(compressed);
      expect_ok(stub_->UnaryCall(&context, request, &answer));
      expect(InteropClientContextInspector::was_compressed(context) == compressed,
             "compression as asked for");
      expect_zeros(answer, large_response);
    }
  }

  void client_streaming() {
    ClientContext context;
    StreamingInputCallResponse answer;
    const auto writer = stub_->StreamingInputCall(&context, &answer);
    for (const int size : request_sizes) {
      StreamingInputCallRequest request;
      fill(request.mutable_payload(), size);
      expect(writer->Write(request), "to write");
    }
    writer->WritesDone();
    expect_ok(writer->Finish());
    expect(answer.aggregated_payload_size() == 74922, "74922 bytes");
  }

  void client_compressed_streaming() {
    StreamingInputCallRequest request;
    StreamingInputCallResponse answer;
    request.mutable_expect_compressed()->set_value(true);
    fill(request.mutable_payload(), 27182);
    {
      ClientContext context;
      const auto writer = stub_->StreamingInputCall(&context, &answer);
      writer->Write(request);
      writer->WritesDone();
      expect_failure(writer->Finish(), StatusCode::INVALID_ARGUMENT);
    }
    ClientContext context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    const auto writer = stub_->StreamingInputCall(&context, &answer);
    expect(writer->Write(request), "to write");
    request.mutable_expect_compressed()->set_value(false);
    fill(request.mutable_payload(), 45904);
    expect(writer->Write(request, grpc::WriteOptions().set_no_compression()), "to write");
    writer->WritesDone();
    expect_ok(writer->Finish());
    expect(answer.aggregated_payload_size() == 73086, "73086 bytes");
  }

  void server_streaming() {
    StreamingOutputCallRequest request;
    for (const int size : response_sizes) request.add_response_parameters()->set_size(size);
    ClientContext context;
    StreamingOutputCallResponse answer;
    const auto reader = stub_->StreamingOutputCall(&context, request);
    for (const int size : response_sizes) {
      expect(reader->Read(&answer), "an answer");
      expect_zeros(answer, size);
    }
    expect(!reader->Read(&answer), "no more answers");
    expect_ok(reader->Finish());
  }

  void server_compressed_streaming() {
    StreamingOutputCallRequest request;
    const std::pair<int, bool> expected[] = {{31415, true}, {92653, false}};
    for (const auto &[size, compressed] : expected) {
      const auto parameters = request.add_response_parameters();
      parameters->set_size(size);
      parameters->mutable_compressed()->set_value(compressed);
    }
    ClientContext context;
    StreamingOutputCallResponse answer;
    const auto reader = stub_->StreamingOutputCall(&context, request);
    for (const auto &[size, compressed] : expected) {
      expect(reader->Read(&answer), "an answer");
      expect(InteropClientContextInspector::was_compressed(context) == compressed,
             "compression as asked for");
      expect_zeros(answer, size);
    }
    expect(!reader->Read(&answer), "no more answers");
    expect_ok(reader->Finish());
  }

  void ping_pong() {
    ClientContext context;
    StreamingOutputCallResponse answer;
    const auto stream = stub_->FullDuplexCall(&context);
    for (size_t index = 0; index < std::size(request_sizes); ++index) {
      expect(stream->Write(output(response_sizes[index], request_sizes[index])), "to write");
      expect(stream->Read(&answer), "an answer");
      expect_zeros(answer, response_sizes[index]);
    }
    stream->WritesDone();
    expect(!stream->Read(&answer), "no more answers");
    expect_ok(stream->Finish());
  }

  void empty_stream() {
    ClientContext context;
    StreamingOutputCallResponse answer;
    const auto stream = stub_->FullDuplexCall(&context);
    stream->WritesDone();
    expect(!stream->Read(&answer), "no answer");
    expect_ok(stream->Finish());
  }

  static void add_metadata(ClientContext *context) {
    context->AddMetadata("x-grpc-test-echo-initial", "test_initial_metadata_value");
    context->AddMetadata("x-grpc-test-echo-trailing-bin", "\xab\xab\xab");
  }

  static void expect_metadata(const ClientContext &context) {
    const auto &initial = context.GetServerInitialMetadata();
    const auto first = initial.find("x-grpc-test-echo-initial");
    expect(first != initial.end() && first->second == "test_initial_metadata_value",
           "the initial metadata");
    const auto &trailing = context.GetServerTrailingMetadata();
    const auto last = trailing.find("x-grpc-test-echo-trailing-bin");
    expect(last != trailing.end() && last->second == "\xab\xab\xab", "the trailing metadata");
  }

  void custom_metadata() {
    {
      ClientContext context;
      add_metadata(&context);
      SimpleResponse answer;
      expect_ok(stub_->UnaryCall(&context, large(), &answer));
      expect_zeros(answer, large_response);
      expect_metadata(context);
    }
    ClientContext context;
    add_metadata(&context);
    StreamingOutputCallResponse answer;
    const auto stream = stub_->FullDuplexCall(&context);
    expect(stream->Write(output(large_response, large_request)), "to write");
    stream->WritesDone();
    expect(stream->Read(&answer), "an answer");
    expect_zeros(answer, large_response);
    expect(!stream->Read(&answer), "no more answers");
    expect_ok(stream->Finish());
    expect_metadata(context);
  }

  void expect_status(const std::string &message) {
    EchoStatus echo;
    echo.set_code(2);
    echo.set_message(message);
    {
      ClientContext context;
      SimpleRequest request;
      SimpleResponse answer;
      *request.mutable_response_status() = echo;
      const Status status = stub_->UnaryCall(&context, request, &answer);
      expect_failure(status, StatusCode::UNKNOWN);
      expect(status.error_message() == message, "the message, not " + status.error_message());
    }
    ClientContext context;
    StreamingOutputCallRequest request;
    StreamingOutputCallResponse answer;
    *request.mutable_response_status() = echo;
    const auto stream = stub_->FullDuplexCall(&context);
    stream->Write(request);
    stream->WritesDone();
    expect(!stream->Read(&answer), "no answer");
    const Status status = stream->Finish();
    expect_failure(status, StatusCode::UNKNOWN);
    expect(status.error_message() == message, "the message, not " + status.error_message());
  }

  void status_code_and_message() { expect_status("test status message"); }

  void special_status_message() {
    expect_status("\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n");
  }

  void unimplemented_method() {
    ClientContext context;
    Empty answer;
    expect_failure(stub_->UnimplementedCall(&context, Empty(), &answer),
                   StatusCode::UNIMPLEMENTED);
  }

  void unimplemented_service() {
    ClientContext context;
    Empty answer;
    expect_failure(
        UnimplementedService::NewStub(channel_)->UnimplementedCall(&context, Empty(), &answer),
        StatusCode::UNIMPLEMENTED);
  }

  void cancel_after_begin() {
    ClientContext context;
    StreamingInputCallResponse answer;
    const auto writer = stub_->StreamingInputCall(&context, &answer);
    context.TryCancel();
    expect_failure(writer->Finish(), StatusCode::CANCELLED);
  }

  void cancel_after_first_response() {
    ClientContext context;
    StreamingOutputCallResponse answer;
    const auto stream = stub_->FullDuplexCall(&context);
    expect(stream->Write(output(31415, 27182)), "to write");
    expect(stream->Read(&answer), "an answer");
    expect_zeros(answer, 31415);
    context.TryCancel();
    expect_failure(stream->Finish(), StatusCode::CANCELLED);
  }

  void timeout_on_sleeping_server() {
    // Connected before, or the time would pass on the way.
    empty_unary();
    ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(1));
    StreamingOutputCallRequest request;
    fill(request.mutable_payload(), 27182);
    const auto stream = stub_->FullDuplexCall(&context);
    stream->Write(request);
    expect_failure(stream->Finish(), StatusCode::DEADLINE_EXCEEDED);
  }

  void pick_first_unary() {
    std::set<std::string> servers;
    for (int index = 0; index < 20; ++index) {
      ClientContext context;
      SimpleRequest request;
      SimpleResponse answer;
      request.set_response_size(1);
      request.set_fill_server_id(true);
      expect_ok(stub_->UnaryCall(&context, request, &answer));
      servers.insert(answer.server_id());
    }
    expect(servers.size() == 1 && !servers.begin()->empty(), "one server");
  }

  void concurrent_large_unary() {
    struct Call {
      ClientContext context;
      SimpleResponse answer;
      Status status;
    };
    grpc::CompletionQueue queue;
    std::vector<Call> calls(concurrent_calls);
    std::vector<std::unique_ptr<grpc::ClientAsyncResponseReader<SimpleResponse>>> readers;
    const SimpleRequest request = large();
    for (auto &call : calls) {
      readers.push_back(stub_->AsyncUnaryCall(&call.context, request, &queue));
      readers.back()->Finish(&call.answer, &call.status, &call);
    }
    for (int left = concurrent_calls; left > 0; --left) {
      void *tag = nullptr;
      bool ok = false;
      expect(queue.Next(&tag, &ok) && ok, "an event");
      const auto call = static_cast<Call *>(tag);
      expect_ok(call->status);
      expect_zeros(call->answer, large_response);
    }
  }

  void orca_oob() {
    ClientContext reports_context, context;
    OrcaLoadReportRequest interval;
    interval.mutable_report_interval()->set_nanos(100'000'000);
    reports_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const auto reports =
        OpenRcaService::NewStub(channel_)->StreamCoreMetrics(&reports_context, interval);
    const auto stream = stub_->FullDuplexCall(&context);
    for (const auto &asked : {load(0.8210, 0.5847, 0.30499), load(0.29309, 0.2, 0.2039)}) {
      StreamingOutputCallRequest request = output(1, 0);
      StreamingOutputCallResponse answer;
      *request.mutable_orca_oob_report() = asked;
      expect(stream->Write(request) && stream->Read(&answer), "an answer");
      // What was on its way before may come first.
      OrcaLoadReport report;
      do expect(reports->Read(&report), "another report");
      while (!is_like(report, asked));
    }
    stream->WritesDone();
    expect_ok(stream->Finish());
    reports_context.TryCancel();
    expect_failure(reports->Finish(), StatusCode::CANCELLED);
  }

  void rpc_soak() {
    for (int index = 0; index < soak_iterations; ++index) large_unary();
  }

  void channel_soak() {
    for (int index = 0; index < soak_channels; ++index) {
      connect();
      large_unary();
    }
  }

  const Options &options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<TestService::Stub> stub_;
};

#define CASE(name) {#name, &Client::name}
const std::map<std::string, void (Client::*)()> Client::cases = {
    CASE(empty_unary),
    CASE(large_unary),
    CASE(client_compressed_unary),
    CASE(server_compressed_unary),
    CASE(client_streaming),
    CASE(client_compressed_streaming),
    CASE(server_streaming),
    CASE(server_compressed_streaming),
    CASE(ping_pong),
    CASE(empty_stream),
    CASE(custom_metadata),
    CASE(status_code_and_message),
    CASE(special_status_message),
    CASE(unimplemented_method),
    CASE(unimplemented_service),
    CASE(cancel_after_begin),
    CASE(cancel_after_first_response),
    CASE(timeout_on_sleeping_server),
    CASE(pick_first_unary),
    CASE(concurrent_large_unary),
    CASE(rpc_soak),
    CASE(channel_soak),
    CASE(orca_oob),
};
#undef CASE

}  // namespace

int run_client(const Options &options) {
  Client(options).run(options.at("test_case"));
  return 0;
}

}  // namespace interop
