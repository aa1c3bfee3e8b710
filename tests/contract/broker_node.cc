#include "tests/contract/broker_node.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "tests/contract/rabbitmq_world.h"

namespace chat21::testing {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    throw std::runtime_error(std::string(name) +
                             " is not set, so the tests cannot control a broker:"
                             " run ./test.sh, which starts one");
  }
  return value;
}

std::string quoted(const std::string& argument) {
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + '\'';
}

}  // namespace

BrokerNode::BrokerNode()
    : program_(from_environment("CHAT21_TEST_BROKER_CTL")),
      dir_(from_environment("CHAT21_TEST_BROKER_DIR")) {}

void BrokerNode::start() const {
  run({"start", dir_, std::to_string(broker_uri().port)});
}

std::string BrokerNode::ctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"ctl", dir_, "--silent"});
  return run(arguments);
}

std::size_t BrokerNode::messages(const std::string& queue) const {
  // list_queues says the same, half a second later.
  return std::stoul(
      ctl({"eval", "{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"" + queue +
                       "\">>)), proplists:get_value(messages,"
                       " rabbit_amqqueue:info(Q, [messages]))."}));
}

std::string BrokerNode::run(const std::vector<std::string>& arguments) const {
  std::string command = quoted(program_);
  for (const std::string& argument : arguments) command += ' ' + quoted(argument);
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string output;
  std::array<char, 4096> buffer{};
  while (const auto got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), got);
  }
  if (::pclose(pipe) != 0) throw std::runtime_error(command + " failed: " + output);
  return output;
}

}  // namespace chat21::testing
