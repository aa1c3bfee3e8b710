// The node that the tests use, as its operator sees it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace chat21::testing {

// CHAT21_TEST_BROKER_CTL is a program like scripts/broker.sh and
// CHAT21_TEST_BROKER_DIR the directory of the node. Throws on every error.
class BrokerNode {
 public:
  BrokerNode();

  void start() const;  // on the port of CHAT21_TEST_AMQP_URI
  void stop() const { run({"stop", dir_}); }
  void kill() const { run({"kill", dir_}); }
  void pause() const { run({"pause", dir_}); }
  void resume() const { run({"resume", dir_}); }

  // rabbitmqctl; returns what it prints.
  std::string ctl(std::vector<std::string> arguments) const;
  // Of a queue in vhost "/": waiting or delivered and not acknowledged.
  std::size_t messages(const std::string& queue) const;

 private:
  std::string run(const std::vector<std::string>& arguments) const;

  std::string program_;
  std::string dir_;
};

}  // namespace chat21::testing
