// Observer: does. START HERE.
//
// The loop that takes deliveries from a Transport, asks the Router what to do,
// and does it: store, publish until confirmed, only then settle. A crash
// between any two of these repeats work and loses nothing.
//
//   auto store = chat21::open_sqlite({.path = "chat.db"});          // sqlite.h
//   auto transport = chat21::make_rabbitmq_transport({…});       // rabbitmq.h
//   chat21::Router router({.seed = std::random_device{}()});
//   chat21::Observer observer(**transport, **store, router, clock, listener);
//   while (running) observer.run_once(100ms);
//
// One thread per Observer, nothing shared: to go faster, run more of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "chat21/attempts.h"
#include "chat21/delivery.h"
#include "chat21/effects.h"
#include "chat21/result.h"
#include "chat21/router.h"
#include "chat21/store.h"
#include "chat21/transport.h"

namespace chat21 {

class Observer {
 public:
  using Clock = std::function<Time()>;
  // Told about every event once it is stored and published, before its delivery
  // is settled: if we die in between, or settling fails, it is told again when the
  // delivery is offered again. On the Observer's thread; views are valid during
  // the call.
  using Listener = std::function<void(const Event&)>;

  struct Options {
    // The name of the ledger in the store by which deliveries that are offered again find
    // the message that they have become (docs/decisions/0013). Observers that share a store
    // need different ones. Empty: it is kept in memory only, for Transports whose
    // deliveries do not outlive the process.
    std::string ledger = "messages";
    // Who was worked on when a process died; may be null. Borrowed.
    Attempts* attempts = nullptr;
    // A delivery that has failed so often is set aside, at least 1.
    unsigned max_attempts = 5;
  };

  // Borrows everything, which must outlive the Observer.
  Observer(Transport& transport, Store& store, Router& router, Clock clock, Listener listener);
  Observer(Transport& transport, Store& store, Router& router, Clock clock, Listener listener,
           Options options);
  ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  // Waits at most `wait` for deliveries and processes them. Returns how many.
  // After an error of code Unavailable call it again: what was not settled is
  // offered again. Other errors do not heal by themselves.
  Result<std::size_t> run_once(std::chrono::milliseconds wait);

  // needs -> fetch -> route -> apply -> publish -> tell -> settle, until every delivery
  // of the batch is settled.
  Result<> process(std::span<const Delivery> batch);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat21
