#include "bench/load/crowd.h"

#include <array>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace chat21::bench {

Crowd::Crowd(Handler& handler)
    : handler_(handler),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      alarm_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (poll_ < 0 || alarm_ < 0 || ::epoll_ctl(poll_, EPOLL_CTL_ADD, alarm_, &event) != 0) {
    throw Trouble("cannot poll");
  }
}

Crowd::~Crowd() {
  ::close(alarm_);
  ::close(poll_);
}

Connection& Crowd::add(const User& user, std::uint16_t port) {
  connections_.push_back(
      std::make_unique<Connection>(connections_.size(), user.id, user.token, port, handler_));
  Connection& connection = *connections_.back();
  watch(connection, false, EPOLL_CTL_ADD);
  touch(connection);
  return connection;
}

void Crowd::watch(Connection& connection, bool writable, int operation) const {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.ptr = &connection;
  if (::epoll_ctl(poll_, operation, connection.fd(), &event) != 0) throw Trouble("cannot poll");
}

void Crowd::touch(Connection& connection) {
  touched_.push_back(&connection);
}

void Crowd::flush_touched() {
  for (Connection* connection : touched_) {
    if (connection->wants_flush() && !connection->flush()) {
      watch(*connection, true, EPOLL_CTL_MOD);
    }
  }
  touched_.clear();
}

bool Crowd::serve(const std::function<bool()>& done, std::chrono::steady_clock::time_point until) {
  set_alarm(until);
  std::array<epoll_event, 256> events{};
  flush_touched();
  for (bool late = false; !done();) {
    if (late) return false;
    // Who comes late still takes what has arrived.
    late = std::chrono::steady_clock::now() >= until;
    const int count = ::epoll_wait(poll_, events.data(), events.size(), late ? 0 : -1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) continue;  // the alarm
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      if ((event.events & EPOLLOUT) != 0 && connection.flush()) {
        watch(connection, false, EPOLL_CTL_MOD);
      }
      if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) {
        connection.read();
        touch(connection);  // it may have something to acknowledge
      }
    }
    flush_touched();
  }
  return true;
}

void Crowd::set_alarm(std::chrono::steady_clock::time_point until) {
  if (until == alarm_at_) return;
  alarm_at_ = until;
  const auto time = until.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  itimerspec spec{};
  spec.it_value.tv_sec = seconds.count();
  spec.it_value.tv_nsec =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count();
  ::timerfd_settime(alarm_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

}  // namespace chat21::bench
