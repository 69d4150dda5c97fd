// The benchmark's service on grpc C++, by its callback interface.
//
// usage: server PORT CERTIFICATE KEY
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "kontor/benchmark/v1/echo.grpc.pb.h"

namespace v1 = kontor::benchmark::v1;

static std::string contents(const char *path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

static void answer(const v1::EchoRequest &request, v1::EchoResponse *response) {
  response->set_id(request.id());
  response->set_text(request.text());
  response->set_count(request.count() + 1);
  response->set_time_us(request.time_us());
  response->set_server("benchmark-peer/0123456789-abcdef");
}

// Writes one number after the other.
class Counter final : public grpc::ServerWriteReactor<v1::EchoResponse> {
 public:
  explicit Counter(int messages) : messages_(messages) {
    v1::EchoRequest request;
    request.set_id("req-0123456789abcdef");
    request.set_text("hello gRPC benchmark world");
    request.set_time_us(1700000000000);
    answer(request, &response_);
    Next();
  }
  void OnWriteDone(bool ok) override { ok ? Next() : Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (number_ == messages_) return Finish(grpc::Status::OK);
    response_.set_count(number_++);
    StartWrite(&response_);
  }
  const int messages_;
  int number_ = 0;
  v1::EchoResponse response_;
};

class Service final : public v1::EchoService::CallbackService {
  grpc::ServerUnaryReactor *Echo(grpc::CallbackServerContext *context,
                                 const v1::EchoRequest *request,
                                 v1::EchoResponse *response) override {
    answer(*request, response);
    auto *reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor *List(grpc::CallbackServerContext *context,
                                 const v1::ListRequest *request,
                                 v1::ListResponse *response) override {
    for (int i = 0; i < request->items(); i++) {
      auto *item = response->add_items();
      item->set_id("0190f5a0-7b5e-7c3a-9d61-3f0c5a8e1b2d");
      item->set_name("Managed server, large");
      item->mutable_price()->set_currency_code("CHF");
      item->mutable_price()->set_minor_units(12900 + i);
      item->set_created_us(1700000000000000);
      item->set_active(true);
    }
    auto *reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<v1::EchoResponse> *Count(grpc::CallbackServerContext *,
                                                    const v1::CountRequest *request) override {
    return new Counter(request->messages());
  }
};

int main(int count, char **arguments) {
  if (count != 4) {
    std::cerr << "usage: server PORT CERTIFICATE KEY\n";
    return 2;
  }
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({contents(arguments[3]), contents(arguments[2])});
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("127.0.0.1:") + arguments[1],
                           grpc::SslServerCredentials(options));
  Service service;
  builder.RegisterService(&service);
  auto server = builder.BuildAndStart();
  if (!server) return 1;
  server->Wait();
}
