#include "server/observe.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace chat21::server {
namespace {

using Clock = std::chrono::steady_clock;
using Code = Error::Code;

Time now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

class Loop {
 public:
  Loop(RabbitmqTransport& transport, Store& store, const ObserveOptions& options, Log& log,
       const Signals& signals)
      : transport_(transport),
        options_(options),
        log_(log),
        signals_(signals),
        journal_(log),
        router_({.seed = options.seed, .max_body_bytes = options.max_body_bytes}),
        observer_(transport, store, router_, now,
                  [this](const Event& event) { journal_.note(event); }) {}

  int run() {
    log_.info("started");
    while (signals_.received() == 0) {
      const auto begin = Clock::now();
      const auto done = observer_.run_once(options_.turn);
      if (!(done ? good_turn() : bad_turn(done.error(), begin))) {
        report(LogLevel::Info);
        return 1;
      }
    }
    const int status = drain();
    report(LogLevel::Info);
    log_.info("stopped", {{"status", static_cast<unsigned>(status)}});
    return status;
  }

 private:
  // Whether to go on.
  bool good_turn() {
    if (!problem_.empty()) {
      log_.info("working again", {{"after", std::exchange(problem_, {})}});
    }
    retry_ = options_.turn;
    if (Clock::now() - reported_ >= options_.report_every) {
      report(LogLevel::Debug);
    }
    return options_.auto_restart ? true : still_first_connection();
  }

  // A turn that fails takes a while, so that a failure that stays does not spin.
  bool bad_turn(const Error& error, Clock::time_point begin) {
    if (signals_.received() != 0) {
      return true;
    }
    if (error.code != Code::Unavailable) {
      log_.error("cannot go on", {{"reason", error.message}});
      return false;
    }
    if (error.message != problem_) {
      log_.warn("cannot work; trying again", {{"reason", error.message}});
      problem_ = error.message;
    }
    const bool broker_away = !transport_.stats().connected;
    if (!options_.auto_restart && broker_away) {
      log_.error("the broker is away, and AUTO_RESTART is false", {{"reason", error.message}});
      return false;
    }
    // The transport paces its attempts by itself; the store does not.
    retry_ = broker_away ? options_.turn : std::min(retry_ * 2, options_.retry_most);
    const auto taken = std::chrono::floor<std::chrono::milliseconds>(Clock::now() - begin);
    if (taken < retry_) {
      signals_.wait(retry_ - taken);
    }
    return true;
  }

  bool still_first_connection() {
    if (transport_.stats().connects <= 1) {
      return true;
    }
    log_.error("the connection to the broker was lost, and AUTO_RESTART is false");
    return false;
  }

  // Finishes what was received before the signal; the transport takes nothing new.
  int drain() {
    log_.info("stopping", {{"signal", static_cast<unsigned>(signals_.received())}});
    for (;;) {
      const auto done = observer_.run_once(std::chrono::milliseconds(0));
      if (!done && done.error().code != Code::Unavailable) {
        log_.error("cannot finish", {{"reason", done.error().message}});
        return 1;
      }
      if (!done) {
        // Nothing is lost: the broker offers to the next server what is not settled.
        log_.info("left to the next start", {{"reason", done.error().message}});
        return 0;
      }
      if (*done == 0) {
        return 0;
      }
    }
  }

  void report(LogLevel level) {
    reported_ = Clock::now();
    const RabbitmqStats stats = transport_.stats();
    log_.write(level, "totals",
               {{"events", journal_.summary()},
                {"connects", stats.connects},
                {"delivered", stats.delivered},
                {"redelivered", stats.redelivered},
                {"settled", stats.settled},
                {"published", stats.published},
                {"confirmed", stats.confirmed},
                {"connected", stats.connected},
                {"blocked", stats.blocked}});
  }

  RabbitmqTransport& transport_;
  const ObserveOptions options_;
  Log& log_;
  const Signals& signals_;
  Journal journal_;
  Router router_;
  Observer observer_;
  std::string problem_;  // that was logged and has not ended; empty if all is well
  std::chrono::milliseconds retry_ = options_.turn;
  Clock::time_point reported_ = Clock::now();
};

}  // namespace

void Journal::note(const Event& event) {
  ++events_.at(static_cast<std::size_t>(event.kind));
  if (event.kind == Event::Kind::Rejected) {
    ++rejected_.at(static_cast<std::size_t>(event.outcome));
    log_.warn("message rejected", {{"outcome", to_string(event.outcome)},
                                   {"topic", event.routing_key},
                                   {"reason", event.detail},
                                   {"bytes", event.body.size()}});
    return;
  }
  if (log_.enabled(LogLevel::Debug)) {
    log_.debug(to_string(event.kind), {{"app", event.app},
                                       {"user", event.user},
                                       {"conversation", event.conversation},
                                       {"message_id", event.message_id},
                                       {"client", event.client},
                                       {"topic", event.routing_key},
                                       {"bytes", event.body.size()}});
  }
}

std::string Journal::summary() const {
  std::string text;
  const auto add = [&text](std::string_view name, std::uint64_t count) {
    if (count > 0) {
      fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : " ", name, count);
    }
  };
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    add(to_string(static_cast<Event::Kind>(kind)), events_.at(kind));
  }
  for (std::size_t outcome = 0; outcome < kOutcomes; ++outcome) {
    add(fmt::format("rejected/{}", to_string(static_cast<Outcome>(outcome))),
        rejected_.at(outcome));
  }
  return text;
}

int observe(RabbitmqTransport& transport, Store& store, const ObserveOptions& options, Log& log,
            const Signals& signals) {
  return Loop(transport, store, options, log, signals).run();
}

}  // namespace chat21::server
