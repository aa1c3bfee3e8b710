// A History belongs to one thread at a time: this lends one to whoever asks.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "chat21/history.h"
#include "chat21/result.h"

namespace chat21::server {

class HistoryPool {
 public:
  using Open = std::function<Result<std::unique_ptr<History>>()>;

  explicit HistoryPool(Open open) : open_(std::move(open)) {}

  // `read` gets a History for the time of the call; opens one if none is free. Returns
  // what `read` does, or the error of opening.
  template <class Read>
  auto with(Read read) -> decltype(read(std::declval<History&>())) {
    auto history = take();
    if (!history) return history.error();
    auto result = read(**history);
    give_back(*std::move(history));
    return result;
  }

 private:
  Result<std::unique_ptr<History>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto history = std::move(idle_.back());
        idle_.pop_back();
        return history;
      }
    }
    return open_();
  }
  void give_back(std::unique_ptr<History> history) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(history));
  }

  const Open open_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<History>> idle_;
};

}  // namespace chat21::server
