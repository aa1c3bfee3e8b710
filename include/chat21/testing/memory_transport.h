// A Transport in memory, for tests of code that embeds the library: a queue to
// fill by hand and a list of what was published. It passes the same contract
// suite as the RabbitMQ transport.
//
// One thread at a time. The switches are named after what goes wrong in life.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "chat21/result.h"
#include "chat21/transport.h"

namespace chat21::testing {

class MemoryTransport final : public Transport {
 public:
  struct Options {
    std::size_t prefetch = 256;              // deliveries out at the same time
    std::size_t max_body_bytes = 1U << 20U;  // see Delivery::omitted
  };
  struct Published {
    std::string routing_key, body;
    friend bool operator==(const Published&, const Published&) = default;
  };

  MemoryTransport();
  explicit MemoryTransport(Options options);

  // Puts a message at the end of the queue.
  void offer(std::string routing_key, std::string body);

  // Does not wait: nothing can arrive while its one thread sleeps.
  Result<std::span<const Delivery>> receive(std::chrono::milliseconds wait) override;
  Result<> publish(std::span<const Publish> publishes) override;
  Result<> settle(std::span<const Settle> settled) override;
  Tag settled_up_to() const override { return settled_up_to_; }
  bool recovered() const override { return recovered_; }

  // Everything published so far, in order.
  const std::vector<Published>& published() const { return published_; }
  void clear_published() { published_.clear(); }
  // How often each outcome was settled.
  std::size_t settled(Outcome outcome) const {
    return outcomes_[static_cast<std::size_t>(outcome)];
  }
  // Messages in the queue or out and not settled.
  std::size_t pending() const;

  // The connection breaks: what was not settled goes back to the front of the
  // queue, marked redelivered; the next call of any method reports it.
  void disconnect();
  // The next publish() happens, but its confirm is lost: it reports Unavailable
  // and breaks the connection.
  void lose_confirms();
  // The next publish() stops after `count` messages, or all it has, and breaks
  // the connection.
  void fail_publish_after(std::size_t count);

 private:
  struct Held {
    Tag tag = 0;
    std::string routing_key, body;
    bool redelivered = false;
    bool settled = false;  // though one before it is not
    std::size_t omitted = 0;
  };
  Error report_disconnect();
  Error break_connection(std::string why);
  bool repeats_are_out() const;

  Options options_;
  std::deque<Held> queue_;
  std::deque<Held> out_;
  std::vector<Delivery> batch_;
  std::vector<Published> published_;
  std::size_t outcomes_[kOutcomes] = {};
  Tag next_tag_ = 1;
  Tag settled_up_to_ = 0;
  bool recovered_ = true;
  Tag lost_tag_ = 0;  // deliveries up to this one went back to the queue
  bool disconnected_ = false;
  bool lose_confirms_ = false;
  std::optional<std::size_t> fail_publish_after_;
};

}  // namespace chat21::testing
