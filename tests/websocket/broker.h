// What a bridge takes for its broker: a socket of the test that listens.
#pragma once

#include <cstdint>

#include "tests/http/peer.h"

namespace chat21::tests {

class ListeningSocket {
 public:
  ListeningSocket();  // on a free port of 127.0.0.1
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  std::uint16_t port() const { return port_; }
  // The next connection; waits half a minute for it, then the test fails.
  Peer accept();
  bool has_visitor_within(int milliseconds) const;

 private:
  int socket_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace chat21::tests
