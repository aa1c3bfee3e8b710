// Router: decides. A function from deliveries and facts to effects, without
// I/O, clock or thread; it cannot fail. Equal options, input and time give equal
// bytes.
//
// docs/ARCHITECTURE.md follows one message through it. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chat21/delivery.h"
#include "chat21/effects.h"
#include "chat21/policy.h"
#include "chat21/store.h"

namespace chat21 {

class Router {
 public:
  struct Options {
    // Of the random bits in message ids. Two Routers that run at the same time
    // need different ones.
    std::uint64_t seed = 0;
    std::size_t max_body_bytes = 1U << 20U;  // larger bodies are settled as TooLarge
    std::size_t max_inline_members = 5000;   // of a group that a sender brings along
    // Of all copies of a message to such a group together, body times members:
    // bounds what one message of a stranger makes the broker carry.
    std::size_t max_inline_bytes = 256U << 20U;
    // route() stops short after the delivery with which it has this many writes
    // and publishes, or this many bytes of them: bounds memory, and the size of a
    // transaction.
    std::size_t max_effects = 4096;
    std::size_t max_effect_bytes = 32U << 20U;
  };

  // Borrows the policies, which must outlive the Router; asks them in this
  // order, the first refusal decides.
  explicit Router(Options options, std::span<Policy* const> policies = {});
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Appends what route() will want to know about these deliveries.
  void needs(std::span<const Delivery> deliveries, std::vector<Record>& out) const;

  // Decides about deliveries from the front and appends to `out`. `facts`
  // answers needs() of the same deliveries, in order. Returns how many it
  // decided, at least one if there is one: it stops where a delivery needs a
  // fact that an earlier one of the same call has changed, or changes a group after
  // an earlier one has written to one. Call it again with
  // the rest and fresh facts, after these effects were carried out.
  std::size_t route(std::span<const Delivery> deliveries, std::span<const Fact> facts, Time now,
                    Effects& out);

  // Instead of route(), for a delivery that cannot be carried out: it is kept in the store,
  // published as rejected, and settled as SetAside. `why` is for people.
  void set_aside(const Delivery& delivery, std::string_view why, Time now, Effects& out);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat21
