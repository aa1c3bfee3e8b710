#include "chat21/observer.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace chat21 {

Observer::Observer(Transport& transport, Store& store, Router& router, Clock clock,
                   Listener listener)
    : transport_(transport),
      store_(store),
      router_(router),
      clock_(std::move(clock)),
      listener_(std::move(listener)) {}

Result<std::size_t> Observer::run_once(std::chrono::milliseconds wait) {
  const auto batch = transport_.receive(wait);
  if (!batch) return batch.error();
  if (auto processed = process(*batch); !processed) return processed.error();
  return batch->size();
}

std::span<const Delivery> Observer::ask(std::span<const Delivery> batch) {
  // Documents fetched at once: strangers can make each as large as two bodies, and
  // ask for it with a few bytes.
  constexpr std::size_t kMostDocuments = 64;
  records_.clear();
  std::size_t documents = 0;
  std::size_t asked = 0;
  while (asked < batch.size() && documents < kMostDocuments) {
    const std::size_t known = records_.size();
    router_.needs(batch.subspan(asked++, 1), records_);
    for (std::size_t i = known; i < records_.size(); ++i) {
      if (records_[i].kind != Record::Kind::Copy) ++documents;
    }
  }
  return batch.first(asked);
}

Result<> Observer::process(std::span<const Delivery> batch) {
  // Where route() stops short, what was fetched for the rest was in vain. So from
  // then on only a few times as much is asked for as was decided: the store's work
  // stays in proportion, whatever strangers make of a batch.
  constexpr std::size_t kAhead = 4;
  std::size_t ahead = batch.size();
  while (!batch.empty()) {
    const auto next = ask(batch.first(std::min(ahead, batch.size())));
    const auto facts = store_.fetch(records_);
    if (!facts) return facts.error();

    effects_.clear();
    const std::size_t decided = router_.route(next, *facts, clock_(), effects_);
    assert(decided > 0 && "a Router decides at least one delivery");
    if (auto done = carry_out(); !done) return done;
    batch = batch.subspan(decided);
    ahead = kAhead * decided;
  }
  return {};
}

Result<> Observer::carry_out() {
  if (!effects_.writes.empty()) {
    if (auto applied = store_.apply(effects_.writes); !applied) return applied;
  }
  if (!effects_.publishes.empty()) {
    if (auto published = transport_.publish(effects_.publishes); !published) return published;
  }
  if (listener_) {
    for (const Event& event : effects_.events) listener_(event);
  }
  // Last, on purpose: settled before the confirms, a message would be lost if we
  // died in between. The price is a repeat after a crash, announced by
  // Delivery::redelivered. And with it end the bytes that events point to.
  return transport_.settle(effects_.settled);
}

}  // namespace chat21
