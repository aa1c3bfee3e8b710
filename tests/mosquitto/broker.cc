#include "tests/mosquitto/broker.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace chat21::mosquitto {
namespace {

// Generous: nobody waits for it unless something is broken.
constexpr std::chrono::seconds kPatience{30};

[[noreturn]] void fail_with(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void run_mosquitto(const char* configuration, int output) {
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is an error of write(), as a full disk is
  ::execl("/usr/sbin/mosquitto", "mosquitto", "-c", configuration, nullptr);
  ::_exit(127);
}

}  // namespace

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, any, size) != 0 || ::getsockname(fd, any, &size) != 0) fail_with("free_port");
  ::close(fd);
  return ntohs(address.sin_port);
}

Broker::Broker(const std::filesystem::path& configuration) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_with("pipe2");
  const std::string path = configuration.string();
  pid_ = ::fork();
  if (pid_ < 0) fail_with("fork");
  if (pid_ == 0) run_mosquitto(path.c_str(), ends[1]);
  ::close(ends[1]);
  reader_ = std::thread([this, fd = ends[0]] { read_log(fd); });
}

Broker::~Broker() {
  if (pid_ > 0) kill();
  reader_.join();
}

bool Broker::wait_for_log(const std::string& text) {
  std::unique_lock lock(mutex_);
  std::size_t at = std::string::npos;
  more_.wait_for(lock, kPatience, [&] {
    at = log_.find(text, seen_);
    return at != std::string::npos || log_ended_;
  });
  if (at == std::string::npos) return false;
  seen_ = at + text.size();
  return true;
}

int Broker::stop() {
  ::kill(pid_, SIGTERM);
  return wait();
}

int Broker::wait() {
  {
    std::unique_lock lock(mutex_);
    if (!more_.wait_for(lock, kPatience, [this] { return log_ended_; })) return -1;
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Broker::reload() const {
  ::kill(pid_, SIGHUP);
}

void Broker::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Broker::limit_files(std::optional<std::size_t> bytes) const {
  rlimit limit{};
  if (::prlimit(pid_, RLIMIT_FSIZE, nullptr, &limit) != 0) fail_with("prlimit");
  limit.rlim_cur = bytes ? *bytes : limit.rlim_max;
  if (::prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr) != 0) fail_with("prlimit");
}

std::string Broker::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

void Broker::read_log(int fd) {
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    const std::lock_guard lock(mutex_);
    if (count > 0) log_.append(buffer.data(), static_cast<std::size_t>(count));
    log_ended_ = count <= 0;
    more_.notify_all();
    if (log_ended_) break;
  }
  ::close(fd);
}

}  // namespace chat21::mosquitto
