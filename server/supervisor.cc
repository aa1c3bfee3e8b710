#include "server/supervisor.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <functional>
#include <mutex>
#include <optional>
#include <poll.h>
#include <random>
#include <string_view>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "server/broker_log.h"
#include "server/child.h"
#include "server/file_descriptor.h"
#include "server/file_lock.h"
#include "server/once.h"
#include "server/settings.h"

namespace chat21::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long until the next start.
class Pause {
 public:
  Pause(milliseconds first, milliseconds longest)
      : first_(first), longest_(longest), next_(first), random_(std::random_device()()) {}

  void begin_again() { next_ = first_; }
  milliseconds next() {
    const milliseconds whole = std::exchange(next_, std::min(2 * next_, longest_));
    // Half of it to all: servers that lost their brokers together come back one by one.
    std::uniform_int_distribution<milliseconds::rep> part(whole.count() / 2, whole.count());
    return milliseconds(part(random_));
  }

 private:
  const milliseconds first_;
  const milliseconds longest_;
  milliseconds next_;
  std::minstd_rand random_;
};

// For poll(): until `deadline`, or without end.
int time_left(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*deadline - Clock::now());
  return static_cast<int>(std::max<milliseconds::rep>(left.count(), 0));
}

// One run of the broker, from its start to its end.
class Life {
 public:
  Life(const SupervisorOptions& options, Child child, const Once& stop, BrokerLog& log,
       int pulse_fd, std::function<void()> when_ready, std::function<void(bool)> when_silent)
      : options_(options),
        child_(std::move(child)),
        stop_(stop),
        log_(log),
        pulse_fd_(pulse_fd),
        when_ready_(std::move(when_ready)),
        when_silent_(std::move(when_silent)),
        deadline_(Clock::now() + options.start_timeout) {}

  // Returns why it has ended.
  std::string run() {
    while (!ended_) turn();
    const std::string why = why_killed_.empty() ? child_.wait() : why_killed_;
    const std::string said = log_.reason();
    return fmt::format("mosquitto has ended: {}{}{}", why, said.empty() ? "" : ": ", said);
  }

 private:
  static constexpr std::size_t kBuffer = 4096;
  enum class State : std::uint8_t { Starting, Ready, Silent, Stopping, Killed };

  void turn() {
    const bool asked = state_ >= State::Stopping;
    std::array<pollfd, 4> fds{{{child_.ended_fd(), POLLIN, 0},
                               {output_fd_, POLLIN, 0},
                               {asked ? -1 : stop_.fd(), POLLIN, 0},
                               {pulse_fd_, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), time_left(deadline_)) < 0) return;  // EINTR
    if (fds[1].revents != 0) read_output();
    if (fds[3].revents != 0) feel_pulse();
    if (fds[0].revents != 0) {
      read_rest();
      log_.finish(Clock::now());
      ended_ = true;
    } else if (fds[2].revents != 0) {
      child_.signal(SIGTERM);
      enter(State::Stopping, options_.stop_timeout);
    } else if (deadline_ && Clock::now() >= *deadline_) {
      lose_patience();
    }
  }

  void lose_patience() {
    if (state_ == State::Ready) {
      // Not what is left until then: we may have been stopped ourselves.
      enter(State::Silent, options_.silence - options_.quiet);
      when_silent_(true);
      return;
    }
    if (state_ == State::Starting) {
      why_killed_ = fmt::format("it was not ready within {} ms", options_.start_timeout.count());
    } else if (state_ == State::Silent) {
      why_killed_ =
          fmt::format("it gave no sign of life for {} ms and was killed", options_.silence.count());
    }
    child_.signal(SIGKILL);
    enter(State::Killed, std::nullopt);
  }

  void feel_pulse() {
    std::uint64_t beats = 0;
    if (::read(pulse_fd_, &beats, sizeof beats) < 0) return;
    if (state_ == State::Silent) when_silent_(false);
    if (state_ == State::Silent || state_ == State::Ready) enter(State::Ready, options_.quiet);
  }

  // What it wrote before its end: no more than a pipe holds, for a child of its own may
  // write for ever.
  void read_rest() {
    constexpr std::size_t kPipe = 64U << 10U;  // pipe(7)
    for (std::size_t read = 0; read < kPipe && output_fd_ >= 0 && read_output();) read += kBuffer;
  }

  // False: there is no more now.
  bool read_output() {
    std::array<char, kBuffer> buffer;
    const ssize_t count = ::read(output_fd_, buffer.data(), buffer.size());
    if (count > 0) {
      log_.take({buffer.data(), static_cast<std::size_t>(count)}, Clock::now());
      if (state_ == State::Starting && log_.ready()) {
        enter(State::Ready, options_.quiet);
        when_ready_();
      }
      return true;
    }
    if (count == 0 || (errno != EINTR && errno != EAGAIN)) output_fd_ = -1;
    return false;
  }

  void enter(State next, std::optional<milliseconds> time) {
    state_ = next;
    deadline_ = time ? std::optional(Clock::now() + *time) : std::nullopt;
  }

  const SupervisorOptions& options_;
  Child child_;
  const Once& stop_;
  BrokerLog& log_;
  const int pulse_fd_;
  const std::function<void()> when_ready_;
  const std::function<void(bool)> when_silent_;
  int output_fd_ = child_.output_fd();
  State state_ = State::Starting;
  std::optional<Clock::time_point> deadline_;
  std::string why_killed_;
  bool ended_ = false;
};

}  // namespace

class Supervisor::Impl {
 public:
  Impl(SupervisorOptions options, Health& health, Log& log)
      : options_(std::move(options)), health_(health), log_(log), broker_log_(log) {
    health_.set("broker", "the broker is not ready yet");
    thread_ = std::thread([this] { run(); });
  }
  ~Impl() { stop(); }

  Result<> wait_ready(int stop_fd) {
    std::array<pollfd, 3> fds{
        {{ready_.fd(), POLLIN, 0}, {ended_.fd(), POLLIN, 0}, {stop_fd, POLLIN, 0}}};
    while (::poll(fds.data(), fds.size(), -1) < 0) {
    }
    if (fds[0].revents != 0 || fds[1].revents == 0) return {};
    const std::lock_guard lock(mutex_);
    return fail(Error::Code::Unavailable, failure_);
  }

  int ended_fd() const { return ended_.fd(); }

  void stop() {
    stopping_ = true;
    stop_.raise();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    Pause pause(options_.first_pause, options_.longest_pause);
    while (true) {
      const auto began = Clock::now();
      const std::string why = live();
      if (stopping_ || !go_on(why)) break;
      if (Clock::now() - began >= options_.settled) pause.begin_again();
      wait(pause.next());
      if (stopping_) break;
      log_.info("starting the broker again");
    }
    ended_.raise();
  }

  // Returns why it did not start, or has ended.
  std::string live() {
    broker_log_.begin();
    const auto lock = FileLock::take(options_.lock, options_.leftover_timeout, stop_.fd());
    if (!lock) {
      return fmt::format("the broker of an earlier server does not end: {}", lock.error().message);
    }
    const FileDescriptor pulse(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!pulse) return fmt::format("cannot make an eventfd: {}", std::strerror(errno));
    auto environment = options_.environment;
    environment.push_back(fmt::format("CHAT21_PULSE_FD={}", pulse.get()));
    auto child = Child::start({.command = options_.command,
                               .environment = std::move(environment),
                               .inherited = {lock->fd(), pulse.get()}});
    if (!child) return child.error().message;
    lock->name(child->pid());
    return Life(
               options_, *std::move(child), stop_, broker_log_, pulse.get(),
               [this] { note_ready(); }, [this](bool silent) { note_silent(silent); })
        .run();
  }

  void note_ready() {
    was_ready_ = true;
    health_.set("broker", "");
    log_.info("the broker is ready");
    ready_.raise();
  }

  void note_silent(bool silent) {
    if (!silent) {
      health_.set("broker", "");
      log_.info("the broker gives signs of life again");
      return;
    }
    const std::string why =
        fmt::format("mosquitto has given no sign of life for {} ms", options_.quiet.count());
    health_.set("broker", why);
    log_.warn("the broker is silent", {{"reason", why}});
  }

  // Whether it is started again.
  bool go_on(const std::string& why) {
    health_.set("broker", why);
    if (was_ready_) log_.error("the broker has ended", {{"reason", why}});
    const std::lock_guard lock(mutex_);
    failure_ = why;
    return was_ready_ && options_.restart;
  }

  void wait(milliseconds time) const {
    pollfd stopped{stop_.fd(), POLLIN, 0};
    ::poll(&stopped, 1, static_cast<int>(time.count()));
  }

  const SupervisorOptions options_;
  Health& health_;
  Log& log_;
  BrokerLog broker_log_;
  Once stop_;
  Once ready_;
  Once ended_;
  std::atomic<bool> stopping_ = false;
  bool was_ready_ = false;  // the thread's
  std::mutex mutex_;
  std::string failure_;
  // Starts the broker, which ends with it: see Child.
  std::thread thread_;
};

Supervisor::Supervisor(SupervisorOptions options, Health& health, Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), health, log)) {}

Supervisor::~Supervisor() = default;

Result<> Supervisor::wait_ready(int stop_fd) const {
  return impl_->wait_ready(stop_fd);
}

int Supervisor::ended_fd() const {
  return impl_->ended_fd();
}

void Supervisor::stop() {
  impl_->stop();
}

std::vector<std::string> broker_environment() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto name = text.substr(0, text.find('='));
    const auto& all = settings();
    const bool ours = std::any_of(all.begin(), all.end(), [name](const Setting& setting) {
      return name == setting.variable || name == setting.alias;
    });
    if (!ours) kept.emplace_back(text);
  }
  return kept;
}

}  // namespace chat21::server
