// Which copies of which messages have arrived, and how long they took.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace chat21::bench {

// Who writes to whom. Direct: client i to i + 1, the last to the first. Otherwise the
// clients are members of groups, one after the other, and each writes to its own.
struct Shape {
  std::size_t clients = 2;
  std::size_t group_size = 0;  // 0: direct

  // Copies of a message that arrive: the sender's counts.
  std::size_t copies() const { return group_size == 0 ? 2 : group_size; }
  std::size_t partner(std::size_t sender) const { return (sender + 1) % clients; }
  std::size_t group(std::size_t member) const { return member / group_size; }
  // Which of the copies of a message a client gets; nothing: none of them.
  std::optional<std::size_t> copy_of(std::size_t sender, std::size_t client) const {
    if (group_size != 0) {
      if (group(sender) != group(client)) return std::nullopt;
      return client % group_size;
    }
    if (client == sender) return 0;
    return client == partner(sender) ? std::optional<std::size_t>(1) : std::nullopt;
  }
};

class Ledger {
 public:
  using Clock = std::chrono::steady_clock;

  // Messages are numbered from `first`. The latency of the first `warm_up` is not kept.
  Ledger(const Shape& shape, std::size_t first, std::size_t count, std::size_t warm_up)
      : shape_(shape),
        first_(first),
        warm_up_(warm_up),
        messages_(count),
        seen_(count * shape.copies()) {}

  void sent(std::size_t number, std::size_t sender, Clock::time_point due) {
    messages_[number - first_] = {sender, due, 0};
  }

  // The sender, if this was the last copy.
  std::optional<std::size_t> arrived(std::size_t number, std::size_t client);

  std::size_t messages() const { return messages_.size(); }
  std::size_t expected() const { return seen_.size(); }
  std::size_t arrived() const { return arrived_; }
  std::size_t missing() const { return expected() - arrived_; }
  std::size_t complete() const { return complete_; }
  // Twice, or to whom it was not meant for.
  std::size_t repeated() const { return repeated_; }
  std::size_t astray() const { return astray_; }

  // From the time a message was due to the arrival of each copy but the sender's, in
  // milliseconds and sorted.
  std::vector<double> latencies() const;

 private:
  struct Message {
    std::size_t sender = 0;
    Clock::time_point due{};
    std::size_t copies = 0;  // that have arrived
  };

  Shape shape_;
  std::size_t first_;
  std::size_t warm_up_;
  std::vector<Message> messages_;
  std::vector<bool> seen_;  // of each message, each copy
  std::vector<Clock::duration> latencies_;
  std::size_t arrived_ = 0;
  std::size_t complete_ = 0;
  std::size_t repeated_ = 0;
  std::size_t astray_ = 0;
};

}  // namespace chat21::bench
