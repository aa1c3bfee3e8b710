#include "bench/load/ledger.h"

#include <algorithm>

namespace chat21::bench {

std::optional<std::size_t> Ledger::arrived(std::size_t number, std::size_t client) {
  const std::size_t position = number - first_;  // wraps for older ones
  if (position >= messages_.size() || messages_[position].due == Clock::time_point{}) {
    ++astray_;
    return std::nullopt;
  }
  Message& message = messages_[position];
  const auto copy = shape_.copy_of(message.sender, client);
  if (!copy) {
    ++astray_;
    return std::nullopt;
  }
  auto seen = seen_[position * shape_.copies() + *copy];
  if (seen) {
    ++repeated_;
    return std::nullopt;
  }
  seen = true;
  ++arrived_;
  if (client != message.sender && position >= warm_up_) {
    latencies_.push_back(Clock::now() - message.due);
  }
  if (++message.copies < shape_.copies()) return std::nullopt;
  ++complete_;
  return message.sender;
}

std::vector<double> Ledger::latencies() const {
  std::vector<double> all;
  all.reserve(latencies_.size());
  for (const auto time : latencies_) {
    all.push_back(std::chrono::duration<double, std::milli>(time).count());
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace chat21::bench
