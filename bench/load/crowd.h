// Many connections, driven by one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/load/connection.h"

namespace chat21::bench {

struct User {
  std::string id, token;
};

class Crowd {
 public:
  explicit Crowd(Handler& handler);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Connects one of them; its index is its position. serve() does the rest.
  Connection& add(const User& user, std::uint16_t port);
  std::size_t size() const { return connections_.size(); }
  Connection& operator[](std::size_t index) { return *connections_[index]; }

  // Whoever has put something into a connection's buffer says so.
  void touch(Connection& connection);

  // Serves until done() or the time is up, and returns done().
  bool serve(const std::function<bool()>& done, std::chrono::steady_clock::time_point until);

 private:
  void flush_touched();
  void watch(Connection& connection, bool writable, int operation) const;
  void set_alarm(std::chrono::steady_clock::time_point until);

  Handler& handler_;
  int poll_;
  int alarm_;  // in nanoseconds: the time-outs of epoll_wait are milliseconds
  std::chrono::steady_clock::time_point alarm_at_{};
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> touched_;
};

}  // namespace chat21::bench
