// What is wrong at the moment, for GET /ready. Safe from any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace chat21::server {

class Health {
 public:
  // `reason` is for people; empty: the component is well.
  void set(std::string_view component, std::string reason) {
    const std::lock_guard lock(mutex_);
    if (reason.empty()) {
      troubles_.erase(std::string(component));
    } else {
      troubles_.insert_or_assign(std::string(component), std::move(reason));
    }
  }

  // By component; empty: ready.
  std::map<std::string, std::string> troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> troubles_;
};

}  // namespace chat21::server
