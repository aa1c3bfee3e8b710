#include "server/observer_probe.h"

namespace chat21::server {

ObserverProbe::ObserverProbe(Gateway& gateway, Health& health, std::chrono::milliseconds interval)
    : gateway_(gateway), health_(health), interval_(interval), thread_([this] { run(); }) {}

ObserverProbe::~ObserverProbe() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

void ObserverProbe::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    lock.unlock();
    ask();
    lock.lock();
    stopping_.wait_for(lock, interval_, [this] { return stopped_; });
  }
}

void ObserverProbe::ask() {
  const auto done = gateway_.carry_out({});
  const bool silent = done && *done == Gateway::Done::Accepted;
  health_.set("observer", silent ? "the observer does not answer: the store may be away" : "");
}

}  // namespace chat21::server
