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
#include <span>
#include <vector>

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

  // Borrows everything, which must outlive the Observer.
  Observer(Transport& transport, Store& store, Router& router, Clock clock, Listener listener);

  // Waits at most `wait` for deliveries and processes them. Returns how many.
  // After an error of code Unavailable call it again: what was not settled is
  // offered again. Other errors do not heal by themselves.
  Result<std::size_t> run_once(std::chrono::milliseconds wait);

  // needs -> fetch -> route -> apply -> publish -> tell -> settle, until every delivery
  // of the batch is settled.
  Result<> process(std::span<const Delivery> batch);

 private:
  // Fills records_ for as many deliveries from the front as it returns.
  std::span<const Delivery> ask(std::span<const Delivery> batch);
  Result<> carry_out();

  Transport& transport_;
  Store& store_;
  Router& router_;
  Clock clock_;
  Listener listener_;
  std::vector<Record> records_;
  Effects effects_;
};

}  // namespace chat21
