// What grpc++'s client and server of the interoperability tests share.
#pragma once

#include <grpc/compression.h>
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "grpc/testing/test.grpc.pb.h"
#include "xds/service/orca/v3/orca.grpc.pb.h"

// Exported for the interoperability tests by libgrpc, but declared in none of its public headers.
uint32_t grpc_call_test_only_get_message_flags(grpc_call *call);

// The flag of a received message that came compressed (GRPC_WRITE_INTERNAL_TEST_ONLY_WAS_COMPRESSED).
constexpr uint32_t compressed_flag = 0x40000000u;

namespace interop {

using xds::data::orca::v3::OrcaLoadReport;
using xds::service::orca::v3::OpenRcaService;
using xds::service::orca::v3::OrcaLoadReportRequest;

using Options = std::map<std::string, std::string>;

int run_client(const Options &options);
int run_server(const Options &options);

inline std::string contents(const std::string &path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void fill(grpc::testing::Payload *payload, int size) {
  payload->set_body(std::string(static_cast<size_t>(size), '\0'));
}

}  // namespace interop
