// The clients of one measurement: chat users who connect, form groups and send.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/crowd.h"
#include "bench/load/ledger.h"

namespace chat21::bench {

struct LoadOptions {
  std::uint16_t port = 1883;
  std::string app = "tilechat";
  int qos = 0;
  Shape shape{};
  std::size_t senders = 1;  // the first of the clients
  std::size_t window = 8;   // per sender, see Load::flood()
  unsigned patience = 20;   // seconds without any progress until it is given up
};

class Load final : public Handler {
 public:
  explicit Load(LoadOptions options);

  // Connects them and subscribes each to its own inbox.
  void connect(const std::vector<User>& users);
  // Founds the groups; `service` may write to the observer.
  void found_groups(const User& service);

  // Open loop: sends on schedule, whether or not earlier ones have arrived, and counts
  // latency from the time a message was due, so that a stall is not hidden by sending
  // less (coordinated omission). Waits for what is under way.
  Ledger pace(unsigned rate, std::size_t count, std::size_t warm_up);

  // Closed loop: each sender has at most `window` messages that are not acknowledged
  // (QoS 1), or of which a copy has not arrived (QoS 0: what a broker's queue has no room
  // for is lost). Returns when all have arrived.
  Ledger flood(std::size_t count);

  // Returns when the broker has read all that was sent to it, the acknowledgements of the
  // last deliveries too: a broker that is slow with them has not done its work yet.
  void let_finish();

  void connected(Connection& connection) override;
  void subscribed(Connection& connection) override;
  void acknowledged(Connection& connection) override;
  void answered(Connection& connection) override;
  void message(Connection& connection, std::string_view topic, std::string_view body) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Sender {
    std::string topic;
    std::size_t left = 0;     // to be sent
    std::size_t waiting = 0;  // of its window
  };

  void await(const std::string& what, std::size_t& counter, std::size_t goal);
  void prepare_senders();
  std::string draft(std::size_t number) const;
  void send(std::size_t sender, Clock::time_point due);
  void fill_window(std::size_t sender);
  void one_less(std::size_t sender);
  void wait_for_all();

  LoadOptions options_;
  Crowd crowd_;
  std::vector<Sender> senders_;
  std::size_t users_ = 0;
  std::size_t ready_ = 0;
  std::size_t notices_ = 0;         // of groups
  std::size_t answers_ = 0;         // to pings
  std::size_t unacknowledged_ = 0;  // of all senders
  std::size_t next_number_ = 1;
  bool flooding_ = false;
  std::optional<Ledger> ledger_;
};

}  // namespace chat21::bench
