#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <mosquitto.h>
#include <poll.h>
#include <random>
#include <thread>
#include <utility>

#include "chat21/backoff.h"
#include "chat21/mqtt.h"

#include "lib/mqtt/inbox.h"
#include "lib/mqtt/session.h"
#include "lib/mqtt/topics.h"
#include "lib/shared/wake_signal.h"

namespace chat21 {
namespace mqtt {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;
using std::chrono::milliseconds;
using Level = MqttOptions::Level;

// libmosquitto sends and checks pings only when it is called.
constexpr milliseconds kTick{1000};

// Bytes sent and not acknowledged after which no more are sent: libmosquitto keeps a
// copy of them.
constexpr std::size_t kMostUnacknowledgedBytes = 4U << 20U;

// MQTT 3.1.1 §2.2.3: what the length of a packet can say.
constexpr std::size_t kMaxPacket = 268'435'455;

// For callers that mean "for ever" and pass the largest number there is.
constexpr milliseconds kLongestWait = std::chrono::hours(24);

// How long publish() still waits for acknowledgements after stop(): a healthy broker
// needs milliseconds, and then the batch is finished in order.
constexpr milliseconds kStopGrace{3000};

Error unavailable(std::string why) {
  return fail(Error::Code::Unavailable, std::move(why));
}

std::string text_of(milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

class ClientTransport final : public MqttTransport {
 public:
  explicit ClientTransport(MqttOptions options)
      : options_(std::move(options)),
        inbox_({.prefetch = options_.prefetch,
                .max_body_bytes = options_.max_body_bytes,
                .max_held_bytes = options_.max_held_bytes}),
        backoff_(options_.reconnect_max, std::random_device{}()) {}

  bool usable() const { return signal_.usable(); }

  Result<std::span<const Delivery>> receive(milliseconds wait) override;
  Result<> publish(std::span<const Publish> publishes) override;
  Result<> settle(std::span<const Settle> settled) override;
  Tag settled_up_to() const override { return inbox_.settled_up_to(); }
  bool recovered() const override { return inbox_.recovered(); }
  void stop() noexcept override {
    stopped_.store(true, std::memory_order_release);
    signal_.raise();
  }
  void wake() noexcept override { signal_.raise(); }
  bool connected() const override { return connected_; }

 private:
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  bool take_wake();

  Result<bool> be_connected(SteadyTime deadline, bool until_woken);
  Result<> try_to_connect();
  Result<> connect();
  Result<> open(const std::string& address, SteadyTime deadline);
  Result<> subscribe(SteadyTime deadline);
  Result<> report_failed_attempt(const Error& error);
  Error lose(const Error& error);

  Result<> wait_for_deliveries(SteadyTime deadline);
  Result<> publish_all(std::span<const Publish> publishes, std::span<const std::string> topics);
  Result<std::size_t> send(std::span<const Publish> publishes, std::span<const std::string> topics);
  bool may_send() const {
    return session_->published() - session_->acknowledged() < options_.publish_window &&
           unacknowledged_bytes_ < kMostUnacknowledgedBytes && !session_->congested();
  }
  Result<> check_progress();

  Result<> wait_for_broker(SteadyTime until);
  void wait_for_signal(SteadyTime until);

  std::string address() const { return options_.host + ':' + std::to_string(options_.port); }
  void check_thread() {
    if (owner_ == std::thread::id()) owner_ = std::this_thread::get_id();
    assert(owner_ == std::this_thread::get_id() && "a Transport belongs to one thread");
  }
  void log(Level level, const std::string& message) const {
    if (options_.log) options_.log(level, message);
  }

  const MqttOptions options_;
  std::atomic<bool> stopped_ = false;
  WakeSignal signal_;  // of stop() and wake()
  Inbox inbox_;
  Backoff backoff_;
  std::unique_ptr<Session> session_;  // null without a connection
  bool connected_ = false;
  bool woken_ = false;    // the signal was taken, and no receive() has returned because of it
  bool refused_ = false;  // by the broker, in the last attempt to connect
  SteadyTime connected_at_{};
  SteadyTime next_attempt_{};
  std::string outage_;  // what was logged about the present one

  // Of the present publish().
  std::size_t unacknowledged_bytes_ = 0;  // at most: counts down only when all is acknowledged
  std::size_t progress_ = 0;
  SteadyTime last_progress_{};
  bool stop_seen_ = false;

  std::thread::id owner_;
};

// --- receive ------------------------------------------------------------------

Result<std::span<const Delivery>> ClientTransport::receive(milliseconds wait) {
  check_thread();
  const SteadyTime deadline = SteadyClock::now() + std::min(wait, kLongestWait);
  if (!stopped()) {
    const auto connected = be_connected(deadline, true);
    if (!connected) return connected.error();
  }
  if (!connected_) return std::span<const Delivery>();
  if (auto waited = wait_for_deliveries(deadline); !waited) return lose(waited.error());
  return inbox_.hand_out();
}

Result<> ClientTransport::wait_for_deliveries(SteadyTime deadline) {
  // A full inbox is not read into, so that a slow caller slows the broker down.
  if (inbox_.full()) return {};
  if (auto served = session_->serve(POLLIN); !served) return served;
  while (inbox_.empty() && !stopped() && !take_wake()) {
    if (SteadyClock::now() >= deadline) return {};
    if (auto waited = wait_for_broker(deadline); !waited) return waited;
  }
  return {};
}

bool ClientTransport::take_wake() {
  if (signal_.take()) woken_ = true;
  return std::exchange(woken_, false);
}

// --- connecting -----------------------------------------------------------------

// False: there is no connection yet and no time left.
Result<bool> ClientTransport::be_connected(SteadyTime deadline, bool until_woken) {
  while (!connected_) {
    if (SteadyClock::now() >= next_attempt_) {
      if (auto tried = try_to_connect(); !tried) return tried.error();
      if (connected_) break;
    }
    if (stopped() || (until_woken && take_wake()) || SteadyClock::now() >= deadline) return false;
    wait_for_signal(std::min(deadline, next_attempt_));
  }
  return true;
}

Result<> ClientTransport::try_to_connect() {
  refused_ = false;
  if (auto connected = connect(); !connected) return report_failed_attempt(connected.error());
  connected_ = true;
  connected_at_ = SteadyClock::now();
  outage_.clear();
  log(Level::Info, "connected to the broker at " + address());
  return {};
}

Result<> ClientTransport::connect() {
  const auto addresses = addresses_of(options_.host);
  if (!addresses) return addresses.error();
  SteadyClock::duration left = options_.connect_timeout;
  const SteadyTime deadline = SteadyClock::now() + left;
  Error last;
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    // The first of many must not take the time of all.
    left = (deadline - SteadyClock::now()) / (addresses->size() - i);
    const auto opened = open((*addresses)[i], SteadyClock::now() + left);
    if (opened) return subscribe(deadline);
    last = opened.error();
    if (refused_ || stopped()) break;
  }
  return last;
}

Result<> ClientTransport::open(const std::string& address, SteadyTime deadline) {
  session_ = std::make_unique<Session>(options_, inbox_);
  if (auto started = session_->start(address); !started) return started;
  while (!session_->accepted()) {
    if (stopped()) return unavailable("stopped while connecting");
    if (SteadyClock::now() >= deadline) {
      return unavailable("no answer within " + text_of(options_.connect_timeout));
    }
    if (auto waited = wait_for_broker(deadline); !waited) {
      refused_ = session_->refused();
      return waited;
    }
  }
  return {};
}

// A broker that does not like a filter may say so, say nothing, or close the connection.
Result<> ClientTransport::subscribe(SteadyTime deadline) {
  for (const std::string& filter : options_.filters) {
    if (auto asked = session_->subscribe(filter); !asked) return asked;
  }
  for (;;) {
    const auto subscribed = session_->subscribed();
    refused_ = !subscribed;
    if (!subscribed) return subscribed.error();
    if (*subscribed) return {};
    if (stopped()) return unavailable("stopped while connecting");
    auto waited = wait_for_broker(deadline);
    if (waited && SteadyClock::now() < deadline) continue;
    refused_ = true;
    return unavailable("the subscription to '" + std::string(session_->pending_filter()) +
                       "' is not confirmed: " +
                       (waited ? "no answer within " + text_of(options_.connect_timeout)
                               : waited.error().message));
  }
}

// A broker that is away is waited for. One that answers with a refusal is an error that
// the caller sees, since waiting may not help.
Result<> ClientTransport::report_failed_attempt(const Error& error) {
  session_.reset();
  next_attempt_ = SteadyClock::now() + backoff_.next();
  if (stopped()) return {};
  const std::string message =
      (refused_ ? "refused by the broker at " : "cannot reach the broker at ") + address() + ": " +
      error.message;
  if (outage_.empty() || (refused_ && outage_ != message)) {
    outage_ = message;
    log(Level::Warning, message + "; trying again");
  }
  if (refused_) return fail(error.code, message);
  return {};
}

Error ClientTransport::lose(const Error& error) {
  session_.reset();
  connected_ = false;
  inbox_.connection_lost();
  backoff_.lasted(std::chrono::floor<milliseconds>(SteadyClock::now() - connected_at_));
  next_attempt_ = SteadyClock::now() + backoff_.next();
  outage_ = "lost the broker at " + address() + ": " + error.message;
  log(Level::Warning, outage_ + (stopped() ? "" : "; connecting again"));
  return fail(error.code, outage_);
}

// --- publish --------------------------------------------------------------------

Result<> ClientTransport::publish(std::span<const Publish> publishes) {
  check_thread();
  std::vector<std::string> topics;
  topics.reserve(publishes.size());
  for (const Publish& publish : publishes) {
    auto topic = topic_of(publish.routing_key);
    if (!topic) return fail(topic.error().code, "cannot publish: " + topic.error().message);
    if (constexpr std::size_t kLengths = 4;  // of the topic and the message id
        publish.body.size() + topic->size() + kLengths > kMaxPacket) {
      return fail(Error::Code::InvalidArgument, "cannot publish: the body has " +
                                                    std::to_string(publish.body.size()) +
                                                    " bytes, more than MQTT allows");
    }
    topics.push_back(std::move(*topic));
  }
  if (publishes.empty()) return {};
  const auto connected = be_connected(SteadyClock::now() + options_.connect_timeout, false);
  if (!connected) return connected.error();
  if (!*connected) {
    return unavailable("cannot publish: not connected to the broker at " + address() +
                       (outage_.empty() ? "" : "; " + outage_));
  }
  if (auto published = publish_all(publishes, topics); !published) return lose(published.error());
  return {};
}

Result<> ClientTransport::publish_all(std::span<const Publish> publishes,
                                      std::span<const std::string> topics) {
  progress_ = session_->published() + session_->acknowledged();
  last_progress_ = SteadyClock::now();
  stop_seen_ = false;
  const std::size_t held = inbox_.bytes();
  // A connection that is gone is noticed before anything is given to it.
  if (auto served = session_->serve(POLLIN); !served) return served;
  for (;;) {
    if (session_->acknowledged() == session_->published()) unacknowledged_bytes_ = 0;
    const auto sent = send(publishes, topics);
    if (!sent) return sent.error();
    publishes = publishes.subspan(*sent);
    topics = topics.subspan(*sent);
    if (publishes.empty() && session_->acknowledged() == session_->published()) return {};
    // The acknowledgements come behind deliveries, so those are read on.
    if (inbox_.overflows() && inbox_.bytes() > held) {
      return unavailable("deliveries of " + std::to_string(inbox_.bytes()) +
                         " bytes wait to be settled");
    }
    if (auto going_on = check_progress(); !going_on) return going_on;
    const auto patience = stop_seen_ ? kStopGrace : options_.publish_timeout;
    if (auto waited = wait_for_broker(last_progress_ + patience); !waited) return waited;
  }
}

// Sends what can be sent now, and returns how many.
Result<std::size_t> ClientTransport::send(std::span<const Publish> publishes,
                                          std::span<const std::string> topics) {
  std::size_t sent = 0;
  for (; sent < publishes.size() && may_send(); ++sent) {
    unacknowledged_bytes_ += topics[sent].size() + publishes[sent].body.size();
    if (auto done = session_->publish(topics[sent], publishes[sent].body); !done) {
      return done.error();
    }
  }
  return sent;
}

Result<> ClientTransport::check_progress() {
  const auto now = SteadyClock::now();
  if (stopped() && !std::exchange(stop_seen_, true)) last_progress_ = now;
  const auto progress = session_->published() + session_->acknowledged();
  if (std::exchange(progress_, progress) != progress) last_progress_ = now;
  const auto patience = stop_seen_ ? kStopGrace : options_.publish_timeout;
  if (now - last_progress_ < patience) return {};
  return unavailable("the broker has not acknowledged " +
                     std::to_string(session_->published() - session_->acknowledged()) +
                     " publishes within " + text_of(patience));
}

// --- settle -----------------------------------------------------------------------

Result<> ClientTransport::settle(std::span<const Settle> settled) {
  check_thread();
  return inbox_.settle(settled);
}

// --- waiting ----------------------------------------------------------------------

// Waits until something arrives or a signal does, and serves the connection.
Result<> ClientTransport::wait_for_broker(SteadyTime until) {
  const auto left = std::chrono::ceil<milliseconds>(until - SteadyClock::now());
  const auto timeout = std::clamp(left, milliseconds(0), kTick);
  std::array<pollfd, 2> fds{{{session_->fd(), session_->events(), 0}, {signal_.fd(), POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  // Taken here, since publish() waits on; the next receive() is told.
  if (signal_.take()) woken_ = true;
  return session_->serve(fds[0].revents);
}

void ClientTransport::wait_for_signal(SteadyTime until) {
  const auto left = std::chrono::ceil<milliseconds>(until - SteadyClock::now());
  pollfd signal{signal_.fd(), POLLIN, 0};
  // Interrupted, woken, stopped: whatever it is, the caller looks again.
  ::poll(&signal, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
  if (signal_.take()) woken_ = true;
}

// --- options ------------------------------------------------------------------------

Error refuse(std::string why) {
  return fail(Error::Code::InvalidArgument, std::move(why));
}

// A string of MQTT: a two-byte length, and UTF-8 without control characters.
bool is_string(const std::string& text) {
  constexpr std::size_t kLongest = 65535;
  return !text.empty() && text.size() <= kLongest &&
         mosquitto_validate_utf8(text.data(), static_cast<int>(text.size())) == 0;
}

Result<> check_times(const MqttOptions& options) {
  constexpr std::chrono::seconds kShortest(5);  // of libmosquitto
  constexpr std::chrono::seconds kLongest(65535);
  if (options.keepalive < kShortest || options.keepalive > kLongest) {
    return refuse("keepalive must be 5 to 65535 s");
  }
  if (options.connect_timeout <= milliseconds(0)) return refuse("connect_timeout must be positive");
  if (options.publish_timeout <= milliseconds(0)) return refuse("publish_timeout must be positive");
  if (options.reconnect_max <= milliseconds(0)) return refuse("reconnect_max must be positive");
  return {};
}

Result<> check_options(const MqttOptions& options) {
  constexpr std::size_t kWidest = 65535;  // message ids have two bytes, and 0 is none
  if (options.host.empty()) return refuse("host must not be empty");
  if (options.port == 0) return refuse("port must not be 0");
  if (!is_string(options.client_id)) return refuse("client_id must be UTF-8 of 1 to 65535 bytes");
  if (!is_string(options.user)) return refuse("user must be UTF-8 of 1 to 65535 bytes");
  for (const std::string& filter : options.filters) {
    if (auto checked = filter_of(filter); !checked) return checked.error();
  }
  if (options.prefetch == 0) return refuse("prefetch must be at least 1");
  if (options.publish_window == 0 || options.publish_window > kWidest) {
    return refuse("publish_window must be 1 to 65535");
  }
  if (options.max_held_bytes == 0) return refuse("max_held_bytes must be at least 1");
  return check_times(options);
}

}  // namespace
}  // namespace mqtt

Result<std::unique_ptr<MqttTransport>> make_mqtt_transport(MqttOptions options) {
  if (auto checked = mqtt::check_options(options); !checked) return checked.error();
  auto transport = std::make_unique<mqtt::ClientTransport>(std::move(options));
  if (!transport->usable()) {
    return fail(Error::Code::Unavailable, "cannot create an eventfd: out of file descriptors");
  }
  return std::unique_ptr<MqttTransport>(std::move(transport));
}

}  // namespace chat21
