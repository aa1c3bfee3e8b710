#include "tests/contract/mosquitto_broker.h"

#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace chat21::testing {
namespace {

// One that was free a moment ago.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const bool known = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  if (!known) throw std::runtime_error("cannot find a free port");
  return ntohs(address.sin_port);
}

}  // namespace

MosquittoBroker::MosquittoBroker() : access_("allow_anonymous true"), port_(free_port()) {
  start();
}

MosquittoBroker::MosquittoBroker(const std::string& user, const std::string& password)
    : port_(free_port()) {
  const std::string file = folder_ / "passwords";
  access_ = "allow_anonymous false\npassword_file " + file;
  const std::string command =
      "mosquitto_passwd -b -c '" + file + "' '" + user + "' '" + password + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  start();
}

std::string MosquittoBroker::configuration() const {
  return "listener " + std::to_string(port_) + " 127.0.0.1\n" + access_ +
         "\nuser root\nlog_dest stderr\nconnection_messages false\n"
         // (As root it would become somebody who may not read its files.)
         // A reader who is slow loses nothing.
         "max_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\n";
}

void MosquittoBroker::start() {
  std::ofstream(folder_ / "mosquitto.conf") << configuration();
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("cannot fork");
  if (process_ == 0) {
    ::dup2(pipe[1], STDERR_FILENO);
    run();
  }
  ::close(pipe[1]);
  log_ = pipe[0];
  await_service(log_);
}

// Ends with the test, however that ends.
void MosquittoBroker::run() const {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string file = folder_ / "mosquitto.conf";
  for (const char* program : {"/usr/sbin/mosquitto", "mosquitto"}) {
    ::execlp(program, program, "-c", file.c_str(), nullptr);
  }
  ::_exit(127);
}

void MosquittoBroker::await_service(int log) {
  std::string said;
  std::array<char, 512> buffer{};
  while (said.find(" running\n") == std::string::npos) {
    const auto got = ::read(log, buffer.data(), buffer.size());
    if (got <= 0) {
      kill();
      throw std::runtime_error(said.empty()
                                   ? "cannot run mosquitto; install it: apt-get install --yes"
                                     " --no-install-recommends mosquitto"
                                   : "mosquitto does not start: " + said);
    }
    said.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void MosquittoBroker::kill() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  ::close(log_);
  process_ = 0;
}

void MosquittoBroker::pause() const {
  ::kill(process_, SIGSTOP);
}

void MosquittoBroker::resume() const {
  ::kill(process_, SIGCONT);
}

}  // namespace chat21::testing
