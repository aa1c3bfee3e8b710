#include "tests/websocket/broker.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chat21::tests {

ListeningSocket::ListeningSocket() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(socket_, generic, size), 0);
  EXPECT_EQ(::listen(socket_, SOMAXCONN), 0);
  EXPECT_EQ(::getsockname(socket_, generic, &size), 0);
  port_ = ntohs(address.sin_port);
}

ListeningSocket::~ListeningSocket() {
  ::close(socket_);
}

bool ListeningSocket::has_visitor_within(int milliseconds) const {
  pollfd readable = {socket_, POLLIN, 0};
  return ::poll(&readable, 1, milliseconds) > 0;
}

Peer ListeningSocket::accept() {
  EXPECT_TRUE(has_visitor_within(30000)) << "nobody connects to the broker";
  return Peer::of(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC));
}

}  // namespace chat21::tests
