// A private Mosquitto, on 127.0.0.1 and a port of its own, that lives as long as the
// object: the one that Debian's package "mosquitto" installs.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include "tests/contract/temp_folder.h"

namespace chat21::testing {

// Throws on every error, also when there is no Mosquitto: with what to do.
class MosquittoBroker {
 public:
  MosquittoBroker();  // lets everybody in
  // Only the user. Neither of the two has a quote.
  MosquittoBroker(const std::string& user, const std::string& password);
  ~MosquittoBroker() { kill(); }
  MosquittoBroker(const MosquittoBroker&) = delete;
  MosquittoBroker& operator=(const MosquittoBroker&) = delete;

  std::uint16_t port() const { return port_; }

  // Returns when it serves, on the same port as ever.
  void start();
  void kill();  // SIGKILL: as a crash would
  void pause() const;
  void resume() const;

 private:
  std::string configuration() const;
  void run() const;  // in the child
  void await_service(int log);

  contract::TempFolder folder_;
  std::string access_;
  std::uint16_t port_;
  pid_t process_ = 0;
  int log_ = -1;
};

}  // namespace chat21::testing
