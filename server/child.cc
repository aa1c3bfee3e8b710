#include "server/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <utility>

namespace chat21::server {
namespace {

constexpr int kCannotRun = 127;

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (const std::string& string : strings) {
    all.push_back(const_cast<char*>(string.c_str()));  // execve() does not write to them
  }
  all.push_back(nullptr);
  return all;
}

// Everything that the new process needs between fork() and exec(), where nothing may
// allocate.
struct Plan {
  std::vector<char*> command;
  std::vector<char*> environment;
  int nothing;  // /dev/null
  int output;
  int error;  // gets errno if it cannot be executed
  const std::vector<int>& inherited;
  pid_t parent;
  sigset_t signals;  // the mask of who starts it
};

// In the new process. All signals are blocked.
[[noreturn]] void become(const Plan& plan) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // Who has ended before that line tells nobody any more.
  if (::getppid() != plan.parent) {
    ::_exit(kCannotRun);
  }
  ::dup2(plan.nothing, STDIN_FILENO);
  ::dup2(plan.output, STDOUT_FILENO);
  ::dup2(plan.output, STDERR_FILENO);
  // All of ours are closed by exec() anyhow; a library may have forgotten one of its own.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int fd : plan.inherited) {
    ::fcntl(fd, F_SETFD, 0);
  }
  // Our handlers must not run here.
  for (const int number : {SIGTERM, SIGINT}) {
    ::signal(number, SIG_DFL);
  }
  ::sigprocmask(SIG_SETMASK, &plan.signals, nullptr);
  ::execve(plan.command.front(), plan.command.data(), plan.environment.data());
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(plan.error, &error, sizeof error);
  ::_exit(kCannotRun);
}

// -1 and errno, or the process.
pid_t fork_with(Plan& plan) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &plan.signals);
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(plan);
  }
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &plan.signals, nullptr);
  errno = error;
  return pid;
}

// 0 once the program is executed, or why it cannot be.
int wait_for_exec(const FileDescriptor& error) {
  int reported = 0;
  ssize_t count = 0;
  do {
    count = ::read(error.get(), &reported, sizeof reported);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(sizeof reported) ? reported : 0;
}

Error cannot_start(const ChildOptions& options, int error) {
  return fail(Error::Code::Unavailable,
              fmt::format("cannot start {}: {}", options.command.front(), std::strerror(error)));
}

}  // namespace

Result<Child> Child::start(const ChildOptions& options) {
  auto output = make_pipe();
  auto error = make_pipe();
  const FileDescriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!output || !error || !nothing) {
    return cannot_start(options, errno);
  }
  ::fcntl(output->read_end.get(), F_SETFL, O_NONBLOCK);
  Plan plan{.command = pointers(options.command),
            .environment = pointers(options.environment),
            .nothing = nothing.get(),
            .output = output->write_end.get(),
            .error = error->write_end.get(),
            .inherited = options.inherited,
            .parent = ::getpid(),
            .signals = {}};
  const pid_t pid = fork_with(plan);
  if (pid < 0) {
    return cannot_start(options, errno);
  }
  FileDescriptor ended = watch_process(pid);
  const int no_descriptor = ended ? 0 : errno;
  Child child(pid, std::move(ended), std::move(output->read_end));
  error->write_end = FileDescriptor();  // so that reading ends with exec()
  if (const int failed = wait_for_exec(error->read_end); failed != 0) {
    return cannot_start(options, failed);
  }
  if (no_descriptor != 0) {
    return cannot_start(options, no_descriptor);
  }
  return child;
}

Child::Child(pid_t pid, FileDescriptor ended, FileDescriptor output)
    : pid_(pid), ended_(std::move(ended)), output_(std::move(output)) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      ended_(std::move(other.ended_)),
      output_(std::move(other.output_)) {}

Child::~Child() {
  if (pid_ > 0) {
    signal(SIGKILL);
    wait();
  }
}

void Child::signal(int number) const {
  ::kill(pid_, number);  // nobody else can have its number before wait()
}

std::string Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return fmt::format("it was killed by signal {} ({})", number, ::strsignal(number));
  }
  return fmt::format("it exited with status {}", WEXITSTATUS(status));
}

}  // namespace chat21::server
