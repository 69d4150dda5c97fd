// usage: peer client|server --name=value...
#include <iostream>

#include "peer.h"

int main(int count, char **words) {
  interop::Options options;
  for (int index = 2; index < count; ++index) {
    const std::string word = words[index];
    const auto equals = word.find('=');
    if (word.rfind("--", 0) != 0 || equals == std::string::npos) {
      std::cerr << word << " is not --name=value\n";
      return 2;
    }
    options[word.substr(2, equals - 2)] = word.substr(equals + 1);
  }
  try {
    const std::string role = count > 1 ? words[1] : "";
    if (role == "client") return interop::run_client(options);
    if (role == "server") return interop::run_server(options);
    std::cerr << "usage: peer client|server --name=value...\n";
    return 2;
  } catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
