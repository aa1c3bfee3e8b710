#include "server/observe.h"

#include <fmt/format.h>
#include <iterator>
#include <optional>

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
                  [this](const Event& event) { journal_.note(event); },
                  {.attempts = options.attempts}) {}

  int run() {
    log_.info("started");
    std::optional<int> status;
    while (!status && signals_.received() == 0) {
      status = work();
    }
    if (!status) {
      log_.info("stopping", {{"signal", static_cast<unsigned>(signals_.received())}});
    }
    while (!status) {
      status = finish();
    }
    report(LogLevel::Info);
    log_.info("stopped", {{"status", static_cast<unsigned>(*status)}});
    return *status;
  }

 private:
  // One turn. Returns the exit status if it was the last.
  std::optional<int> work() {
    const auto begin = Clock::now();
    const auto done = observer_.run_once(options_.turn);
    if (!done && signals_.received() != 0) {
      return leave_rest(done.error());
    }
    if (done) {
      note_success(*done);
    } else if (!can_go_on(done.error())) {
      return 1;
    }
    tell_health(done);
    if (!options_.auto_restart && !still_first_connection()) {
      return 1;
    }
    if (Clock::now() - reported_ >= options_.report_every) {
      report(LogLevel::Debug);
    }
    // Short enough for the transport to service its heartbeats in between; the
    // batch that failed is offered again.
    if (const auto taken = elapsed(begin); !done && taken < options_.turn) {
      signals_.wait(options_.turn - taken);
    }
    return std::nullopt;
  }

  // The same after the signal, until all that was received is done; the transport
  // takes nothing new.
  std::optional<int> finish() {
    const auto done = observer_.run_once(std::chrono::milliseconds(0));
    if (!done) {
      return leave_rest(done.error());
    }
    return *done == 0 ? std::optional(0) : std::nullopt;
  }

  static std::chrono::milliseconds elapsed(Clock::time_point begin) {
    return std::chrono::floor<std::chrono::milliseconds>(Clock::now() - begin);
  }

  bool can_go_on(const Error& error) {
    if (error.code != Code::Unavailable) {
      log_.error("cannot go on", {{"reason", error.message}});
      return false;
    }
    // About the broker the transport tells the operator, through
    // RabbitmqOptions::log. What else can be away is the store.
    if (!transport_.stats().connected) {
      log_.debug("turn failed", {{"reason", error.message}});
    } else if (trouble_ != error.message) {
      trouble_ = error.message;
      log_.warn("the store is away; trying again", {{"reason", trouble_}});
    }
    return true;
  }

  void note_success(std::size_t deliveries) {
    // Without a delivery nobody has asked the store.
    if (trouble_.empty() || deliveries == 0) {
      return;
    }
    trouble_.clear();
    log_.info("the store works again");
  }

  void tell_health(const Result<std::size_t>& done) {
    if (options_.health == nullptr) {
      return;
    }
    const RabbitmqStats stats = transport_.stats();
    if (stats.connected) {
      outage_ =
          stats.blocked ? "the broker asks publishers to wait: it is short of memory or disk" : "";
    } else if (!done) {
      outage_ = done.error().message;
    } else if (outage_.empty()) {
      outage_ = "not connected to the broker";
    }
    options_.health->set("broker", outage_);
    options_.health->set("store", trouble_);
  }

  bool still_first_connection() {
    const RabbitmqStats stats = transport_.stats();
    if (signals_.received() != 0 || (stats.connected && stats.connects == 1)) {
      return true;
    }
    log_.error("the broker is away, and AUTO_RESTART is false");
    return false;
  }

  // What is not settled is not lost: the broker offers it to the next observer.
  // A broker that is away is no failure of ours, a store that fails is one.
  int leave_rest(const Error& error) {
    const bool broker_away = error.code == Code::Unavailable && !transport_.stats().connected;
    log_.write(broker_away ? LogLevel::Warn : LogLevel::Error,
               "cannot finish what was received; the broker will offer it again",
               {{"reason", error.message}});
    return broker_away ? 0 : 1;
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
  std::string trouble_;  // with the store, as logged
  std::string outage_;   // of the broker
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
