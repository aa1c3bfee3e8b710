#include "lib/mosquitto/engine.h"

#include <algorithm>
#include <signal.h>
#include <thread>
#include <utility>
#include <vector>

#include "chat21/attempts_file.h"
#include "chat21/observer.h"
#include "chat21/router.h"

#include "lib/mosquitto/journal.h"
#include "lib/mosquitto/mailbox.h"

namespace chat21::mosquitto {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Code = Error::Code;

constexpr milliseconds kIdle{1000};  // how often an observer without work looks around
constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{2000};

Time now() {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

// While it lives the calling thread, and those it starts, get no signals: they are for
// the broker's thread. Those of faults excepted, which are for whoever made them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      sigdelset(&all, fault);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// What runs on the thread of the observer.
class Worker {
 public:
  Worker(Mailbox& mailbox, Journal& journal, std::unique_ptr<Store> store,
         std::unique_ptr<Attempts> attempts, const Router::Options& options)
      : mailbox_(mailbox),
        store_(std::move(store)),
        attempts_(std::move(attempts)),
        router_(options),
        observer_(mailbox, *store_, router_, now,
                  [&journal](const Event& event) { journal.note(event, steady_clock::now()); },
                  {.ledger = "", .attempts = attempts_.get()}) {}

  void run() {
    milliseconds pause = kFirstPause;
    while (!mailbox_.finished()) {
      const Result<> done = work();
      if (done) {
        pause = kFirstPause;
        continue;
      }
      mailbox_.begin_outage(done.error());
      if (done.error().code != Code::Unavailable) {
        mailbox_.wait_until_closed();  // it does not heal by itself
        return;
      }
      mailbox_.pause(pause);
      pause = std::min(2 * pause, kLongestPause);
    }
  }

 private:
  Result<> work() {
    const bool outage = mailbox_.outage().has_value();
    // What failed may have been withdrawn, and nothing new comes before this is over.
    if (outage && mailbox_.pending() == 0) {
      if (auto written = probe(); !written) return written;
      mailbox_.end_outage();
      return {};
    }
    const auto done = observer_.run_once(kIdle);
    if (!done) return done.error();
    if (outage && *done > 0) mailbox_.end_outage();
    return {};
  }

  // Writes to the store and leaves nothing there: app and users without a name are none
  // that a topic can bring.
  Result<> probe() {
    const Write writes[] = {SaveBlock{}, RemoveBlock{}};
    return store_->apply(writes);
  }

  Mailbox& mailbox_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Attempts> attempts_;
  Router router_;
  Observer observer_;
};

}  // namespace

class Engine::Impl {
 public:
  Impl(const EngineOptions& options, std::unique_ptr<Store> store,
       std::unique_ptr<Attempts> attempts)
      : strict_(options.strict),
        patience_(options.patience),
        log_(options.log),
        mailbox_({.max_body_bytes = options.max_body_bytes,
                  .max_pending = options.max_pending,
                  .max_pending_bytes = options.max_pending_bytes,
                  .max_outgoing_bytes = options.max_outgoing_bytes,
                  .patience = options.patience,
                  .wake = options.wake}),
        worker_(mailbox_, journal_, std::move(store), std::move(attempts),
                {.seed = options.seed, .max_body_bytes = options.max_body_bytes}) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { worker_.run(); });
  }

  Result<> accept(std::string_view routing_key, std::string_view body) {
    auto taken =
        strict_ ? mailbox_.put_and_wait(routing_key, body) : mailbox_.put(routing_key, body);
    if (!taken) look();
    return taken;
  }

  void turn(const std::function<void(Outgoing)>& publish) {
    mailbox_.flush();
    mailbox_.take(taken_);
    for (Outgoing& outgoing : taken_) publish(std::move(outgoing));
    taken_.clear();
    look();
  }

  void stop() {
    if (!thread_.joinable()) return;
    mailbox_.close(steady_clock::now() + patience_);
    thread_.join();
    look();
    if (const std::size_t left = mailbox_.pending(); left > 0) {
      log(LogLevel::Error,
          "stopped before all messages were stored; lost: " + std::to_string(left));
    }
  }

  const std::string& trouble() {
    look();
    return trouble_;
  }

 private:
  // Logs what has happened on the other thread.
  void look() {
    for (const std::string& line : journal_.take(steady_clock::now())) {
      log(LogLevel::Warning, line);
    }
    const auto outage = mailbox_.outage();
    if (outage && trouble_.empty()) {
      const bool heals = outage->code == Code::Unavailable;
      log(heals ? LogLevel::Warning : LogLevel::Error,
          (heals ? "refusing messages until the store works again: "
                 : "refusing messages, the store needs an operator: ") +
              quotable(outage->message));
    } else if (!outage && !trouble_.empty()) {
      log(LogLevel::Info, "the store works again");
    }
    trouble_ = outage ? outage->message : "";
  }

  void log(LogLevel level, const std::string& line) {
    if (log_) log_(level, line);
  }

  const bool strict_;
  const milliseconds patience_;
  const std::function<void(LogLevel, const std::string&)> log_;
  Journal journal_;
  Mailbox mailbox_;
  Worker worker_;
  std::thread thread_;
  std::vector<Outgoing> taken_;
  std::string trouble_;  // as logged
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  stop();
}

Result<std::unique_ptr<Engine>> Engine::start(EngineOptions options) {
  // Half the patience: then a locked store is an outage that says so, and not a stall.
  auto store = open_sqlite({.path = options.store,
                            .durability = options.durability,
                            .busy_timeout = options.patience / 2});
  if (!store) return store.error();
  auto attempts = open_attempts(options.store.string() + "-attempts");
  if (!attempts) return attempts.error();
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Impl>(options, *std::move(store), *std::move(attempts))));
}

Result<> Engine::accept(std::string_view routing_key, std::string_view body) {
  return impl_->accept(routing_key, body);
}

void Engine::turn(const std::function<void(Outgoing)>& publish) {
  impl_->turn(publish);
}

void Engine::stop() {
  impl_->stop();
}

const std::string& Engine::trouble() const {
  return impl_->trouble();
}

}  // namespace chat21::mosquitto
