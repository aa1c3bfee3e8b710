#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <poll.h>
#include <random>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include "chat21/backoff.h"
#include "chat21/rabbitmq.h"

#include "lib/rabbitmq/connection.h"
#include "lib/rabbitmq/consumer.h"
#include "lib/rabbitmq/publisher.h"
#include "lib/rabbitmq/stop_signal.h"
#include "lib/rabbitmq/topology.h"
#include "lib/rabbitmq/uri.h"
#include "lib/shared/wake_signal.h"

namespace chat21 {
namespace rabbitmq {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;
using std::chrono::milliseconds;
using Level = RabbitmqOptions::Level;

// Publishes after which confirms are read: as many as a batch often has.
constexpr std::size_t kBurst = 64;

// Bytes after which the socket is asked again whether it takes more. Less than
// the smallest send buffer, so that a publish seldom waits inside rabbitmq-c,
// where nothing is read.
constexpr std::size_t kBytesPerCheck = 16U << 10U;

// Bytes sent and not confirmed after which no more are sent. A broker short of
// memory stops reading and then says so: what it was sent before fills the socket.
constexpr std::size_t kMostUnconfirmedBytes = 1U << 20U;

// For callers that mean "for ever" and pass the largest number there is.
constexpr milliseconds kLongestWait = std::chrono::hours(24);

// How long publish() still waits for confirms after stop(): a healthy broker
// needs milliseconds, and then the batch is finished in order.
constexpr milliseconds kStopGrace{3000};

class BrokerTransport final : public RabbitmqTransport {
 public:
  BrokerTransport(RabbitmqOptions options, Uri uri)
      : options_(std::move(options)),
        uri_(std::move(uri)),
        consume_(options_, uri_, "chat21observer consume"),
        publish_(options_, uri_, "chat21observer publish"),
        consumer_(options_),
        publisher_(options_),
        backoff_(options_.reconnect_max, std::random_device{}()) {}

  ~BrokerTransport() override {
    consume_.close();  // gives the unsettled deliveries back
    publish_.close();
  }

  bool usable() const { return stop_.usable() && wake_.usable(); }

  Result<std::span<const Delivery>> receive(milliseconds wait) override;
  Result<> publish(std::span<const Publish> publishes) override;
  Result<> settle(std::span<const Settle> settled) override;
  Tag settled_up_to() const override { return consumer_.settled_up_to(); }
  bool recovered() const override { return consumer_.recovered(); }
  void stop() noexcept override { stop_.raise(); }
  void wake() noexcept override { wake_.raise(); }
  RabbitmqStats stats() const override;

 private:
  Result<bool> be_connected(SteadyTime deadline);
  Result<> try_to_connect();
  Result<> connect();
  Result<> report_failed_attempt(const Error& error);
  Error lose(const Error& error);
  void drop_both();

  Result<> wait_for_deliveries(SteadyTime deadline);
  Result<> receive_last_deliveries();
  bool may_hand_out() const { return consumer_.ready() && !publish_.blocked(); }

  Result<> publish_all(std::span<const Publish> publishes);
  Result<std::size_t> publish_burst(std::span<const Publish> publishes);
  bool can_send() const {
    return !publisher_.full() && unconfirmed_bytes_ < kMostUnconfirmedBytes &&
           !publish_.blocked() && !publish_unread_;
  }
  Result<> wait_for_confirms(bool to_send);
  Result<> check_progress();

  // What else than the broker ends a wait for it.
  struct OrUntil {
    bool writable = false;  // the publish connection takes more
    bool woken = false;
  };
  Result<> wait_for_broker(SteadyTime until, OrUntil also);
  Result<> pump_both();
  Result<> pump_publish();
  Result<> pump_publish_if_due();
  bool may_pump_publish() const;
  milliseconds tick() const;
  void wait_for_signal(SteadyTime until) const;

  void check_thread() {
    if (owner_ == std::thread::id()) owner_ = std::this_thread::get_id();
    assert(owner_ == std::this_thread::get_id() && "a Transport belongs to one thread");
  }
  void log(Level level, const std::string& message) const {
    if (options_.log) options_.log(level, message);
  }

  const RabbitmqOptions options_;
  const Uri uri_;
  StopSignal stop_;
  WakeSignal wake_;
  Connection consume_;
  Connection publish_;
  Consumer consumer_;
  Publisher publisher_;
  Backoff backoff_;

  bool connected_ = false;
  bool cancelled_ = false;  // consumes no more, because of stop()
  std::uint64_t connects_ = 0;
  SteadyTime connected_at_{};
  SteadyTime next_attempt_{};
  SteadyTime last_publish_pump_{};
  SteadyTime last_sent_{};             // on the publish connection; heartbeats do not count
  bool publish_unread_ = false;        // its last pump had to be left out
  std::size_t unconfirmed_bytes_ = 0;  // at most: counts down only when all is confirmed
  std::string outage_;                 // what was logged about the present one

  // Of the present publish().
  SteadyTime last_progress_{};
  std::uint64_t progress_ = 0;
  bool stop_seen_ = false;

  std::thread::id owner_;
};

// --- receive ------------------------------------------------------------------

Result<std::span<const Delivery>> BrokerTransport::receive(milliseconds wait) {
  check_thread();
  const SteadyTime deadline = SteadyClock::now() + std::min(wait, kLongestWait);
  if (!stop_.raised()) {
    const auto connected = be_connected(deadline);
    if (!connected) return connected.error();
  }
  if (!connected_) return std::span<const Delivery>();
  if (auto waited = wait_for_deliveries(deadline); !waited) return lose(waited.error());
  if (publish_.blocked()) return std::span<const Delivery>();
  return consumer_.hand_out();
}

Result<> BrokerTransport::wait_for_deliveries(SteadyTime deadline) {
  if (auto pumped = consume_.pump(consumer_); !pumped) return pumped;
  // Under load poll() is not reached.
  if (auto pumped = pump_publish_if_due(); !pumped) return pumped;
  if (auto asked = consumer_.ask(consume_); !asked) return asked;
  while (!may_hand_out() && !stop_.raised() && !wake_.take()) {
    if (SteadyClock::now() >= deadline) return {};
    if (auto waited = wait_for_broker(deadline, {.woken = true}); !waited) return waited;
    if (auto asked = consumer_.ask(consume_); !asked) return asked;
  }
  return stop_.raised() ? receive_last_deliveries() : Result<>();
}

Result<> BrokerTransport::receive_last_deliveries() {
  if (cancelled_) return {};
  cancelled_ = true;
  if (auto cancelled = consumer_.cancel(consume_); !cancelled) return cancelled;
  // What came before the broker's answer.
  return consume_.pump(consumer_);
}

// --- connecting -----------------------------------------------------------------

// False: there is no connection yet and no time left.
Result<bool> BrokerTransport::be_connected(SteadyTime deadline) {
  while (!connected_) {
    if (SteadyClock::now() >= next_attempt_) {
      if (auto tried = try_to_connect(); !tried) return tried.error();
      if (connected_) break;
    }
    if (stop_.raised() || wake_.take() || SteadyClock::now() >= deadline) return false;
    wait_for_signal(std::min(deadline, next_attempt_));
  }
  return true;
}

Result<> BrokerTransport::try_to_connect() {
  if (auto connected = connect(); !connected) return report_failed_attempt(connected.error());
  connected_ = true;
  ++connects_;
  connected_at_ = SteadyClock::now();
  outage_.clear();
  log(Level::Info, "connected to the broker at " + uri_.address());
  // The answers to declarations were waited for, and deliveries that came in
  // between are in user space, where poll() does not see them.
  if (auto pumped = pump_both(); !pumped) return lose(pumped.error());
  return {};
}

Result<> BrokerTransport::connect() {
  // Publishing first: once there are deliveries, their effects can be published.
  if (auto opened = publish_.open(stop_); !opened) return opened;
  last_sent_ = SteadyClock::now();
  if (auto started = publisher_.start(publish_); !started) return started;
  if (auto opened = consume_.open(stop_); !opened) return opened;
  const auto queues = declare_topology(consume_, options_);
  if (!queues) return queues.error();
  return consumer_.start(consume_, *queues);
}

// A broker that is away is waited for. One that answers with a refusal is an
// error that the caller sees, since waiting may not help.
Result<> BrokerTransport::report_failed_attempt(const Error& error) {
  const bool refused = publish_.reply_code() != 0 || consume_.reply_code() != 0;
  drop_both();
  next_attempt_ = SteadyClock::now() + backoff_.next();
  if (stop_.raised()) return {};
  const std::string message =
      (refused ? "refused by the broker at " : "cannot reach the broker at ") + uri_.address() +
      ": " + error.message;
  if (error.code == Error::Code::InvalidArgument) return fail(error.code, message);
  if (outage_.empty() || (refused && outage_ != message)) {
    outage_ = message;
    log(Level::Warning, message + "; trying again");
  }
  if (refused) return fail(error.code, message);
  return {};
}

Error BrokerTransport::lose(const Error& error) {
  drop_both();
  connected_ = false;
  backoff_.lasted(std::chrono::floor<milliseconds>(SteadyClock::now() - connected_at_));
  next_attempt_ = SteadyClock::now() + backoff_.next();
  outage_ = "lost the broker at " + uri_.address() + ": " + error.message;
  log(Level::Warning, outage_ + (stop_.raised() ? "" : "; connecting again"));
  return fail(error.code, outage_);
}

void BrokerTransport::drop_both() {
  consumer_.forget();
  publisher_.forget();
  publish_unread_ = false;
  unconfirmed_bytes_ = 0;
  consume_.drop();
  publish_.drop();
}

// --- publish --------------------------------------------------------------------

Result<> BrokerTransport::publish(std::span<const Publish> publishes) {
  check_thread();
  for (const Publish& publish : publishes) {
    // A short string of AMQP has a length of one byte.
    if (publish.routing_key.size() > 255) {
      return fail(Error::Code::InvalidArgument, "cannot publish: the routing key has " +
                                                    std::to_string(publish.routing_key.size()) +
                                                    " bytes, more than 255");
    }
  }
  if (publishes.empty()) return {};
  if (!connected_) {
    return fail(Error::Code::Unavailable,
                "cannot publish: not connected to the broker at " + uri_.address());
  }
  if (auto published = publish_all(publishes); !published) return lose(published.error());
  return {};
}

Result<> BrokerTransport::publish_all(std::span<const Publish> publishes) {
  progress_ = publisher_.published() + publisher_.confirmed();
  last_progress_ = SteadyClock::now();
  stop_seen_ = false;
  // Something may have taken long before this call.
  if (auto pumped = pump_publish_if_due(); !pumped) return pumped;
  for (;;) {
    const auto sent = publish_burst(publishes);
    if (!sent) return sent.error();
    publishes = publishes.subspan(*sent);
    if (auto pumped = pump_publish(); !pumped) return pumped;
    if (publishes.empty() && publisher_.unconfirmed() == 0) return {};
    if (auto waited = *sent == kBurst ? check_progress() : wait_for_confirms(!publishes.empty());
        !waited) {
      return waited;
    }
  }
}

// Sends what can be sent now, at most kBurst. Returns how many.
Result<std::size_t> BrokerTransport::publish_burst(std::span<const Publish> publishes) {
  const std::size_t most = std::min(kBurst, publishes.size());
  std::size_t sent = 0;
  std::size_t unchecked = kBytesPerCheck;
  while (sent < most && can_send()) {
    if (unchecked >= kBytesPerCheck) {
      pollfd socket{publish_.fd(), POLLOUT, 0};
      if (::poll(&socket, 1, 0) != 1) break;
      unchecked = 0;
    }
    const Publish& next = publishes[sent];
    last_sent_ = SteadyClock::now();
    if (auto done = publisher_.send(publish_, next); !done) return done.error();
    unchecked += next.routing_key.size() + next.body.size();
    unconfirmed_bytes_ += next.routing_key.size() + next.body.size();
    ++sent;
  }
  return sent;
}

// Returns when there is something to do: confirms, or room to send more.
Result<> BrokerTransport::wait_for_confirms(bool to_send) {
  if (auto going_on = check_progress(); !going_on) return going_on;
  const auto patience = stop_seen_ ? kStopGrace : options_.publish_timeout;
  return wait_for_broker(last_progress_ + patience, {.writable = to_send && can_send()});
}

// While the broker says that it is blocked there is no time-out; but then
// nothing can be promised after stop().
Result<> BrokerTransport::check_progress() {
  const auto now = SteadyClock::now();
  if (stop_.raised()) {
    if (publish_.blocked()) {
      return fail(Error::Code::Unavailable, "stopped while the broker blocks publishers");
    }
    if (!std::exchange(stop_seen_, true)) last_progress_ = now;
  }
  const auto progress = publisher_.published() + publisher_.confirmed();
  if (progress != progress_ || publish_.blocked()) {
    progress_ = progress;
    last_progress_ = now;
  }
  const auto patience = stop_seen_ ? kStopGrace : options_.publish_timeout;
  if (now - last_progress_ < patience) return {};
  return fail(Error::Code::Unavailable,
              "the broker has not confirmed " + std::to_string(publisher_.unconfirmed()) +
                  " publishes within " + std::to_string(patience.count()) + " ms");
}

// --- settle -----------------------------------------------------------------------

Result<> BrokerTransport::settle(std::span<const Settle> settled) {
  check_thread();
  if (settled.empty()) return {};
  if (!connected_) {
    return fail(Error::Code::Unavailable,
                "cannot settle: not connected to the broker at " + uri_.address());
  }
  // A wrong tag is no fault of the connection.
  if (auto checked = consumer_.check_handed_out(settled); !checked) return checked;
  if (auto done = consumer_.settle(consume_, settled); !done) return lose(done.error());
  return {};
}

// --- waiting ----------------------------------------------------------------------

// Waits until something arrives, at most until the next heartbeat is due.
Result<> BrokerTransport::wait_for_broker(SteadyTime until, OrUntil also) {
  const auto left = std::chrono::ceil<milliseconds>(until - SteadyClock::now());
  const auto timeout = std::clamp(left, milliseconds(0), tick());
  const auto publish_events =
      static_cast<short>((may_pump_publish() ? POLLIN : POLLOUT) | (also.writable ? POLLOUT : 0));
  std::array<pollfd, 4> fds{{{consume_.fd(), POLLIN, 0},
                             {publish_.fd(), publish_events, 0},
                             {stop_.fd(), POLLIN, 0},
                             {also.woken ? wake_.fd() : -1, POLLIN, 0}}};
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  if (ready <= 0) return pump_both();
  if (fds[0].revents != 0) {
    if (auto pumped = consume_.pump(consumer_); !pumped) return pumped;
  }
  return fds[1].revents != 0 ? pump_publish() : Result<>();
}

Result<> BrokerTransport::pump_both() {
  if (auto pumped = consume_.pump(consumer_); !pumped) return pumped;
  return pump_publish();
}

Result<> BrokerTransport::pump_publish() {
  last_publish_pump_ = SteadyClock::now();
  publish_unread_ = !may_pump_publish();
  if (publish_unread_) return {};
  if (auto pumped = publish_.pump(publisher_); !pumped) return pumped;
  if (publisher_.unconfirmed() == 0) unconfirmed_bytes_ = 0;
  return {};
}

// When a heartbeat of ours may be due, rabbitmq-c sends it first, and waits
// without end if the broker does not read.
bool BrokerTransport::may_pump_publish() const {
  if (SteadyClock::now() - last_sent_ < tick()) return true;
  pollfd socket{publish_.fd(), POLLOUT, 0};
  return ::poll(&socket, 1, 0) == 1;
}

// A publish connection that was not read for long would, in rabbitmq-c 0.11, let
// the next publish wait for its dead peer for ever.
Result<> BrokerTransport::pump_publish_if_due() {
  return SteadyClock::now() - last_publish_pump_ >= tick() ? pump_publish() : Result<>();
}

// Half a heartbeat: rabbitmq-c sends and checks heartbeats only when it is called.
milliseconds BrokerTransport::tick() const {
  return milliseconds(std::min(consume_.heartbeat(), publish_.heartbeat())) / 2;
}

void BrokerTransport::wait_for_signal(SteadyTime until) const {
  const auto left = std::chrono::ceil<milliseconds>(until - SteadyClock::now());
  std::array<pollfd, 2> signals{{{stop_.fd(), POLLIN, 0}, {wake_.fd(), POLLIN, 0}}};
  // Interrupted, out of memory, woken: whatever it is, the caller looks again.
  ::poll(signals.data(), signals.size(), static_cast<int>(std::max(left, milliseconds(0)).count()));
}

RabbitmqStats BrokerTransport::stats() const {
  return {.connects = connects_,
          .delivered = consumer_.delivered(),
          .redelivered = consumer_.redelivered(),
          .settled = consumer_.settled(),
          .published = publisher_.published(),
          .confirmed = publisher_.confirmed(),
          .connected = connected_,
          .blocked = publish_.blocked()};
}

// --- options ------------------------------------------------------------------------

Error refuse(std::string why) {
  return fail(Error::Code::InvalidArgument, std::move(why));
}

bool is_short_string(const std::string& text) {
  return !text.empty() && text.size() <= 255;
}

Result<> check_queue(const RabbitmqOptions::Queue& queue) {
  if (!is_short_string(queue.name)) return refuse("a queue's name must have 1 to 255 bytes");
  for (const std::string& pattern : queue.bindings) {
    if (!is_short_string(pattern)) {
      return refuse("queue '" + queue.name + "': the pattern '" + pattern +
                    "' must have 1 to 255 bytes");
    }
  }
  return {};
}

Result<> check_times(const RabbitmqOptions& options) {
  if (options.connect_timeout <= milliseconds(0)) return refuse("connect_timeout must be positive");
  if (options.publish_timeout <= milliseconds(0)) return refuse("publish_timeout must be positive");
  if (options.reconnect_max <= milliseconds(0)) return refuse("reconnect_max must be positive");
  return {};
}

Result<> check_options(const RabbitmqOptions& options) {
  if (!is_short_string(options.exchange)) return refuse("exchange must have 1 to 255 bytes");
  for (const auto& queue : options.queues) {
    if (auto checked = check_queue(queue); !checked) return checked;
  }
  if (options.prefetch == 0 || options.prefetch < options.queues.size()) {
    return refuse("prefetch must be at least 1 for each queue");
  }
  if (options.confirm_window == 0) return refuse("confirm_window must be at least 1");
  if (!options.ca_file.empty() && ::access(options.ca_file.c_str(), R_OK) != 0) {
    return refuse("cannot read ca_file '" + options.ca_file +
                  "': " + std::generic_category().message(errno));
  }
  return check_times(options);
}

}  // namespace
}  // namespace rabbitmq

Result<std::unique_ptr<RabbitmqTransport>> make_rabbitmq_transport(RabbitmqOptions options) {
  auto uri = rabbitmq::parse_uri(options.uri);
  if (!uri) return uri.error();
  if (auto checked = rabbitmq::check_options(options); !checked) return checked.error();
  auto transport = std::make_unique<rabbitmq::BrokerTransport>(std::move(options), std::move(*uri));
  if (!transport->usable()) {
    return fail(Error::Code::Unavailable, "cannot create an eventfd: out of file descriptors");
  }
  return std::unique_ptr<RabbitmqTransport>(std::move(transport));
}

}  // namespace chat21
