// Work that nobody waits for, one after the other on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace chat21::server {

class Background {
 public:
  explicit Background(std::size_t most = 1000);
  ~Background();  // what has not begun is dropped
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // False if `most` wait already: then it is not taken. From any thread.
  bool add(std::function<void()> task);

  // Returns once all that was added before is done, or dropped.
  void drain();

 private:
  void run();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool busy_ = false;
  bool ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace chat21::server
