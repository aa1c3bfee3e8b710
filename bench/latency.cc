// How long does a direct message take from publish to the recipient's inbox?
//
// Two real MQTT clients, one process, one clock. Open loop: messages are sent on
// schedule whether or not earlier ones have arrived, and latency counts from the
// time a message was due, so a stall is not hidden by sending less (coordinated
// omission). Prints percentiles and how many messages arrived; the exit status
// is 1 if any is missing. What answers on the other side (server, relay) is for
// bench/latency.sh to start.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <mosquitto.h>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Settings {
  std::string host = "127.0.0.1";
  int port = 1883;
  std::string app = "tilechat";
  std::string sender = "bench-a";
  std::string recipient = "bench-b";
  std::string sender_token;
  std::string recipient_token;
  unsigned rate = 60;
  unsigned seconds = 10;
  unsigned warm_up = 60;  // messages sent first and not counted
  int qos = 0;
  std::string label = "observer";
};

[[noreturn]] void give_up(std::string_view what, int code) {
  fmt::print(stderr, "latency: {}: {}\n", what, mosquitto_strerror(code));
  std::_Exit(1);  // other threads are in the middle of things
}

void check(std::string_view what, int code) {
  if (code != MOSQ_ERR_SUCCESS) give_up(what, code);
}

// Arrival times by message number, filled by the recipient's thread.
class Arrivals {
 public:
  explicit Arrivals(std::size_t count) : times_(count) {}

  void note(std::size_t number, Clock::time_point time) {
    const std::lock_guard lock(mutex_);
    if (number >= times_.size()) return;
    if (times_[number] != Clock::time_point{}) {
      ++repeated_;
      return;
    }
    times_[number] = time;
    if (++arrived_ == times_.size()) complete_.notify_all();
  }

  void wait(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    complete_.wait_for(lock, longest, [this] { return arrived_ == times_.size(); });
  }

  std::size_t arrived() const { return arrived_; }
  std::size_t repeated() const { return repeated_; }
  const std::vector<Clock::time_point>& times() const { return times_; }

 private:
  std::mutex mutex_;
  std::condition_variable complete_;
  std::vector<Clock::time_point> times_;
  std::size_t arrived_ = 0;
  std::size_t repeated_ = 0;
};

struct Client {
  explicit Client(Arrivals* told) : arrivals(told) {
    handle = mosquitto_new(nullptr, true, this);
    if (handle == nullptr) give_up("cannot make a client", MOSQ_ERR_NOMEM);
    mosquitto_connect_callback_set(handle, [](mosquitto*, void* self, int code) {
      static_cast<Client*>(self)->connected(code);
    });
    mosquitto_subscribe_callback_set(handle, [](mosquitto*, void* self, int, int, const int*) {
      static_cast<Client*>(self)->get_ready();
    });
    mosquitto_message_callback_set(handle,
                                   [](mosquitto*, void* self, const mosquitto_message* message) {
                                     static_cast<Client*>(self)->message(*message);
                                   });
    mosquitto_disconnect_callback_set(handle, [](mosquitto*, void* self, int code) {
      if (code != 0 && !static_cast<Client*>(self)->closing) give_up("connection lost", code);
    });
  }
  ~Client() {
    closing = true;
    mosquitto_disconnect(handle);
    mosquitto_loop_stop(handle, false);
    mosquitto_destroy(handle);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start(const Settings& settings, const std::string& token) {
    check("cannot set the token", mosquitto_username_pw_set(handle, "JWT", token.c_str()));
    mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1);
    check("cannot connect", mosquitto_connect(handle, settings.host.c_str(), settings.port, 10));
    check("cannot start the client", mosquitto_loop_start(handle));
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, 10s, [this] { return ready; })) {
      give_up("the broker does not answer", MOSQ_ERR_CONN_LOST);
    }
  }

  void connected(int code) {
    if (code != 0) give_up(mosquitto_connack_string(code), MOSQ_ERR_CONN_REFUSED);
    if (filter.empty()) {
      get_ready();
    } else {
      check("cannot subscribe", mosquitto_subscribe(handle, nullptr, filter.c_str(), qos));
    }
  }

  void get_ready() {
    const std::lock_guard lock(mutex);
    ready = true;
    changed.notify_all();
  }

  void message(const mosquitto_message& message) const {
    const Clock::time_point now = Clock::now();
    if (arrivals == nullptr) return;
    const std::string_view body(static_cast<const char*>(message.payload),
                                static_cast<std::size_t>(message.payloadlen));
    constexpr std::string_view kMark = "\"number\":";
    const std::size_t at = body.find(kMark);
    if (at == std::string_view::npos) return;
    std::size_t number = 0;
    std::from_chars(body.data() + at + kMark.size(), body.data() + body.size(), number);
    arrivals->note(number, now);
  }

  mosquitto* handle = nullptr;
  std::string filter;
  int qos = 0;
  Arrivals* arrivals = nullptr;
  std::atomic<bool> closing = false;
  std::mutex mutex;
  std::condition_variable changed;
  bool ready = false;
};

std::string draft(std::size_t number) {
  return fmt::format(
      R"({{"text":"{:032}","type":"text","number":{},"recipient_fullname":"Recipient of the bench",)"
      R"("sender_fullname":"Sender of the bench","attributes":{{"projectId":"65c5f5599cf0400012dc58b3",)"
      R"("channel":"web","padding":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}},)"
      R"("metadata":null,"channel_type":"direct"}})",
      number, number);
}

std::vector<Clock::time_point> send_all(const Settings& settings, Client& sender,
                                        std::size_t count) {
  const std::string topic = fmt::format("apps/{}/outgoing/users/{}/messages/{}/outgoing",
                                        settings.app, settings.sender, settings.recipient);
  const auto gap = std::chrono::duration_cast<Clock::duration>(1s) / settings.rate;
  std::vector<Clock::time_point> due;
  Clock::time_point next = Clock::now() + gap;
  for (std::size_t number = 0; number < count; ++number, next += gap) {
    std::this_thread::sleep_until(next);
    due.push_back(next);
    const std::string body = draft(number);
    check("cannot publish",
          mosquitto_publish(sender.handle, nullptr, topic.c_str(), static_cast<int>(body.size()),
                            body.data(), settings.qos, false));
  }
  return due;
}

double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[rank];
}

int report(const Settings& settings, const Arrivals& arrivals,
           const std::vector<Clock::time_point>& due) {
  std::vector<double> latencies;
  for (std::size_t i = settings.warm_up; i < due.size(); ++i) {
    if (arrivals.times()[i] == Clock::time_point{}) continue;
    latencies.push_back(
        std::chrono::duration<double, std::milli>(arrivals.times()[i] - due[i]).count());
  }
  const std::size_t missing = due.size() - arrivals.arrived();
  if (latencies.empty()) {
    fmt::print("{:<10} sent {} arrived 0\n", settings.label, due.size());
    return 1;
  }
  std::sort(latencies.begin(), latencies.end());
  fmt::print(
      "{:<10} sent={} arrived={} missing={} repeated={} p50_ms={:.3f} p90_ms={:.3f} p99_ms={:.3f} "
      "max_ms={:.3f}\n",
      settings.label, due.size(), arrivals.arrived(), missing, arrivals.repeated(),
      percentile(latencies, 0.50), percentile(latencies, 0.90), percentile(latencies, 0.99),
      latencies.back());
  return missing == 0 ? 0 : 1;
}

int run(const Settings& settings) {
  const std::size_t count = settings.warm_up + std::size_t{settings.rate} * settings.seconds;
  Arrivals arrivals(count);
  Client recipient(&arrivals);
  recipient.filter = fmt::format("apps/{}/users/{}/#", settings.app, settings.recipient);
  recipient.qos = settings.qos;
  recipient.start(settings, settings.recipient_token);
  Client sender(nullptr);
  sender.start(settings, settings.sender_token);

  const auto due = send_all(settings, sender, count);
  arrivals.wait(10s);
  return report(settings, arrivals, due);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Latency of direct messages between two MQTT clients");
  app.add_option("--host", settings.host, "broker")->capture_default_str();
  app.add_option("--port", settings.port, "MQTT port")->capture_default_str();
  app.add_option("--app", settings.app, "app id")->capture_default_str();
  app.add_option("--sender", settings.sender, "user who sends")->capture_default_str();
  app.add_option("--recipient", settings.recipient, "user who receives")->capture_default_str();
  app.add_option("--sender-token", settings.sender_token, "JWT of the sender")->required();
  app.add_option("--recipient-token", settings.recipient_token, "JWT of the recipient")->required();
  app.add_option("--rate", settings.rate, "messages per second")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--seconds", settings.seconds, "how long")->capture_default_str();
  app.add_option("--warm-up", settings.warm_up, "messages not counted")->capture_default_str();
  app.add_option("--qos", settings.qos, "0 or 1")->capture_default_str()->check(CLI::Range(0, 1));
  app.add_option("--label", settings.label, "name in the report")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  mosquitto_lib_init();
  const int status = run(settings);
  mosquitto_lib_cleanup();
  return status;
}
