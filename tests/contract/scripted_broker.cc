#include "tests/contract/scripted_broker.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace chat21::testing {
namespace {

// The clients' packets are small enough to arrive whole. False at the end.
bool await_packet(int client) {
  std::array<char, 4096> buffer{};
  return ::recv(client, buffer.data(), buffer.size(), 0) > 0;
}

}  // namespace

ScriptedBroker::ScriptedBroker(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve_all(); });
}

// The client is gone before: nobody else ends the connection that is served.
ScriptedBroker::~ScriptedBroker() {
  ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  ::close(listener_);
}

void ScriptedBroker::serve_all() {
  for (;;) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    serve(client);
    ::close(client);
  }
}

void ScriptedBroker::serve(int client) const {
  if (!await_packet(client)) return;
  ::send(client, script_.connack.data(), script_.connack.size(), MSG_NOSIGNAL);
  if (!await_packet(client)) return;
  if (!script_.silent_on_subscribe) {
    if (script_.suback.empty()) return;
    ::send(client, script_.suback.data(), script_.suback.size(), MSG_NOSIGNAL);
  }
  while (await_packet(client)) continue;
}

}  // namespace chat21::testing
