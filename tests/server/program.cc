#include "tests/server/program.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace chat21::server {
namespace {

using Clock = std::chrono::steady_clock;

// Generous: sanitizers and a busy machine are slow, and nobody waits for it
// unless something is broken.
constexpr std::chrono::seconds kPatience{60};

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    read_end = ends[0];
    write_end = ends[1];
  }
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& string : strings) all.push_back(string.data());
  all.push_back(nullptr);
  return all;
}

int count(const std::string& all, const std::string& text) {
  int found = 0;
  for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++found;
  return found;
}

// Takes what is there; closes the descriptor at the end of the file.
void drain(int& fd, std::string& into) {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || errno != EINTR) {
    ::close(fd);
    fd = -1;
  }
}

}  // namespace

Program::Program(std::vector<std::string> arguments, std::vector<std::string> environment) {
  arguments.insert(arguments.begin(), CHAT21_SERVER);
  const Pipe output;
  const Pipe error;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output.write_end, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, error.write_end, STDERR_FILENO);
  const int failed = ::posix_spawn(&pid_, CHAT21_SERVER, &actions, nullptr,
                                   pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(output.write_end);
  ::close(error.write_end);
  output_fd_ = output.read_end;
  error_fd_ = error.read_end;
  if (failed != 0) throw std::system_error(failed, std::generic_category(), CHAT21_SERVER);
}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const int fd : {output_fd_, error_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

void Program::signal(int number) const {
  ::kill(pid_, number);
}

bool Program::wait_for_error_output(const std::string& text, int times) {
  const auto deadline = Clock::now() + kPatience;
  while (count(error_output_, text) < times) {
    if (!read_some(deadline)) return false;
  }
  return true;
}

int Program::wait() {
  const auto deadline = Clock::now() + kPatience;
  while (read_some(deadline)) {
  }
  if (output_fd_ >= 0 || error_fd_ >= 0) return -1;  // out of time; the destructor kills it
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// False when both pipes are closed or time is up.
bool Program::read_some(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if ((output_fd_ < 0 && error_fd_ < 0) || left.count() <= 0) return false;
  std::array<pollfd, 2> fds{{{output_fd_, POLLIN, 0}, {error_fd_, POLLIN, 0}}};
  if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) <= 0) return true;
  if (fds[0].revents != 0) drain(output_fd_, output_);
  if (fds[1].revents != 0) drain(error_fd_, error_output_);
  return true;
}

}  // namespace chat21::server
