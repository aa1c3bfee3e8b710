// A History belongs to one thread at a time: this lends one to whoever asks, and to
// no more than some at the same time.
#pragma once

#include <condition_variable>
#include <cstddef>
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

  // `most` reads at the same time, at least 1: whoever reads more keeps a processor
  // from those who move messages.
  HistoryPool(Open open, std::size_t most) : open_(std::move(open)), free_(most) {}

  // `read` gets a History for the time of the call, after waiting for those who read
  // now if they are as many as may. Returns what `read` does, or the error of opening.
  // `read` must not ask for another one.
  template <class Read>
  auto with(Read read) -> decltype(read(std::declval<History&>())) {
    Loan loan(*this);
    if (!loan.history) {
      auto opened = open_();
      if (!opened) return opened.error();
      loan.history = *std::move(opened);
    }
    return read(*loan.history);
  }

 private:
  struct Loan {
    explicit Loan(HistoryPool& lender) : pool(lender), history(lender.take()) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { pool.give_back(std::move(history)); }

    HistoryPool& pool;
    std::unique_ptr<History> history;  // null: to be opened
  };

  std::unique_ptr<History> take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return free_ > 0; });
    --free_;
    if (idle_.empty()) return nullptr;
    auto history = std::move(idle_.back());
    idle_.pop_back();
    return history;
  }

  void give_back(std::unique_ptr<History> history) {
    {
      const std::lock_guard lock(mutex_);
      ++free_;
      if (history) idle_.push_back(std::move(history));
    }
    returned_.notify_one();
  }

  const Open open_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t free_;  // how many may be lent besides those that are
  std::vector<std::unique_ptr<History>> idle_;
};

}  // namespace chat21::server
