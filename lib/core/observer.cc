#include "chat21/observer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <utility>
#include <vector>

#include "chat21/arena.h"

#include "lib/core/ledger.h"

namespace chat21 {

class Observer::Impl {
 public:
  Impl(Transport& transport, Store& store, Router& router, Clock clock, Listener listener,
       Options options)
      : transport_(transport),
        store_(store),
        router_(router),
        clock_(std::move(clock)),
        listener_(std::move(listener)),
        attempts_(options.attempts),
        max_attempts_(options.max_attempts),
        ledger_(std::move(options.ledger)) {}

  Result<std::size_t> run_once(std::chrono::milliseconds wait);
  Result<> process(std::span<const Delivery> batch);

 private:
  Result<> work_on(std::span<const Delivery> batch);
  std::span<const Delivery> take_part(std::span<const Delivery> batch);
  unsigned failures_of(Fingerprint fingerprint) const {
    return attempts_ == nullptr ? 0 : attempts_->failed(fingerprint);
  }
  Result<> attempt(std::span<const Delivery> part);
  Result<> route_all(std::span<const Delivery> batch);
  Result<> set_aside(const Delivery& delivery, unsigned failures);
  // Fills records_ for as many deliveries from the front as it returns.
  std::span<const Delivery> ask(std::span<const Delivery> batch);
  Result<> carry_out();
  Result<> apply();

  Result<> open_ledger();
  Result<> tidy_ledger();
  // The batch with the ids of those that have become messages before.
  std::span<const Delivery> recognize(std::span<const Delivery> batch);
  void note_births(std::span<const Delivery> batch, std::span<const Fingerprint> fingerprints);
  // The transport has failed: unsettled deliveries may come again under other tags.
  Error lose(const Error& error);

  Transport& transport_;
  Store& store_;
  Router& router_;
  Clock clock_;
  Listener listener_;
  Attempts* attempts_;
  unsigned max_attempts_;
  Ledger ledger_;
  std::vector<Record> records_;
  Effects effects_;
  // Of the present batch.
  std::vector<Delivery> recognized_;
  Arena known_ids_;
  std::vector<Fingerprint> fingerprints_;  // of the part that is worked on
  bool wrote_ = false;                     // to the store, with it

  std::optional<Fingerprint> kept_aside_;  // of the one that is being set aside
};

Result<std::size_t> Observer::Impl::run_once(std::chrono::milliseconds wait) {
  const auto batch = transport_.receive(wait);
  if (!batch) return lose(batch.error());
  if (auto processed = process(*batch); !processed) return processed.error();
  return batch->size();
}

Result<> Observer::Impl::process(std::span<const Delivery> batch) {
  wrote_ = false;
  ledger_.receive(batch);
  if (auto opened = open_ledger(); !opened) return opened;
  ledger_.drop_settled(transport_.settled_up_to());
  const bool recovered = transport_.recovered();
  if (auto done = work_on(recognize(batch)); !done) return done;
  if (recovered) ledger_.drop_open();
  return wrote_ ? Result<>() : tidy_ledger();
}

Result<> Observer::Impl::work_on(std::span<const Delivery> batch) {
  while (!batch.empty()) {
    const auto part = take_part(batch);
    if (auto done = attempt(part); !done) return done;
    batch = batch.subspan(part.size());
  }
  return {};
}

// From the front: those that are not suspicious, or one that is.
std::span<const Delivery> Observer::Impl::take_part(std::span<const Delivery> batch) {
  fingerprints_.clear();
  for (const Delivery& next : batch) {
    const Fingerprint its = fingerprint(next.routing_key, next.body);
    const bool suspicious = failures_of(its) > 0;
    if (suspicious && !fingerprints_.empty()) break;
    fingerprints_.push_back(its);
    if (suspicious) break;
  }
  return batch.first(fingerprints_.size());
}

Result<> Observer::Impl::attempt(std::span<const Delivery> part) {
  if (attempts_ == nullptr) return route_all(part);
  attempts_->begin(fingerprints_);
  const unsigned failures = failures_of(fingerprints_.front());
  auto done = failures >= max_attempts_ ? set_aside(part.front(), failures) : route_all(part);
  // What does not heal by itself ends the process, and counts like its death.
  if (done || done.error().code == Error::Code::Unavailable) attempts_->begin({});
  if (done && failures > 0) attempts_->forget(fingerprints_.front());
  return done;
}

Result<> Observer::Impl::route_all(std::span<const Delivery> batch) {
  // Where route() stops short, what was fetched for the rest was in vain. So from
  // then on only a few times as much is asked for as was decided: the store's work
  // stays in proportion, whatever strangers make of a batch.
  constexpr std::size_t kAhead = 4;
  std::span<const Fingerprint> fingerprints = fingerprints_;
  std::size_t ahead = batch.size();
  while (!batch.empty()) {
    const auto next = ask(batch.first(std::min(ahead, batch.size())));
    const auto facts = store_.fetch(records_);
    if (!facts) return facts.error();

    effects_.clear();
    const std::size_t decided = router_.route(next, *facts, clock_(), effects_);
    assert(decided > 0 && "a Router decides at least one delivery");
    note_births(next.first(decided), fingerprints);
    if (auto done = carry_out(); !done) return done;
    batch = batch.subspan(decided);
    fingerprints = fingerprints.subspan(decided);
    ahead = kAhead * decided;
  }
  return {};
}

Result<> Observer::Impl::set_aside(const Delivery& delivery, unsigned failed) {
  effects_.clear();
  const std::string why =
      "the server has ended " + std::to_string(failed) + " times while it worked on this delivery";
  router_.set_aside(delivery, why, clock_(), effects_);
  // Kept once: if it cannot be published now it is offered again.
  const Fingerprint its = fingerprints_.front();
  if (kept_aside_ != its) {
    if (auto applied = apply(); !applied) return applied;
    kept_aside_ = its;
  }
  effects_.writes.clear();
  return carry_out();
}

std::span<const Delivery> Observer::Impl::ask(std::span<const Delivery> batch) {
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

Result<> Observer::Impl::carry_out() {
  if (!effects_.writes.empty()) {
    if (auto applied = apply(); !applied) return applied;
  }
  if (!effects_.publishes.empty()) {
    if (auto published = transport_.publish(effects_.publishes); !published) {
      return lose(published.error());
    }
  }
  if (listener_) {
    for (const Event& event : effects_.events) listener_(event);
  }
  // Last, on purpose: settled before the confirms, a message would be lost if we
  // died in between. The price is a repeat after a crash, announced by
  // Delivery::redelivered. And with it end the bytes that events point to.
  if (!effects_.settled.empty()) ledger_.settling(effects_.settled.back().tag);
  if (auto settled = transport_.settle(effects_.settled); !settled) return lose(settled.error());
  return {};
}

// --- The ledger -------------------------------------------------------------------

Result<> Observer::Impl::apply() {
  wrote_ = true;
  ledger_.append_writes(effects_.writes);
  if (auto applied = store_.apply(effects_.writes); !applied) {
    ledger_.failed();
    return applied;
  }
  ledger_.written();
  return {};
}

Result<> Observer::Impl::open_ledger() {
  if (!ledger_.in_doubt()) return {};
  if (ledger_.name().empty()) {
    ledger_.load({});
    return {};
  }
  const std::array wanted = {Record::of_ledger(ledger_.name())};
  const auto facts = store_.fetch(wanted);
  if (!facts) return facts.error();
  ledger_.load(facts->front().document);
  return {};
}

// Nothing was written with which the finished pages could have gone.
Result<> Observer::Impl::tidy_ledger() {
  if (!ledger_.is_untidy()) return {};
  effects_.clear();
  return apply();
}

std::span<const Delivery> Observer::Impl::recognize(std::span<const Delivery> batch) {
  const bool repeats =
      std::any_of(batch.begin(), batch.end(), [](const Delivery& one) { return one.redelivered; });
  if (!repeats) return batch;
  recognized_.assign(batch.begin(), batch.end());
  known_ids_.clear();
  for (Delivery& delivery : recognized_) {
    if (!delivery.redelivered) continue;
    const auto known = ledger_.find(delivery, fingerprint(delivery.routing_key, delivery.body));
    delivery.known_as = known_ids_.join({known});
  }
  return recognized_;
}

// Births are in the order of the deliveries.
void Observer::Impl::note_births(std::span<const Delivery> batch,
                                 std::span<const Fingerprint> fingerprints) {
  std::size_t i = 0;
  for (const Birth& birth : effects_.births) {
    while (batch[i].tag != birth.tag) ++i;
    ledger_.note(birth.tag, fingerprints[i], birth.message_id);
  }
}

Error Observer::Impl::lose(const Error& error) {
  ledger_.open_all();
  return error;
}

// --- Observer ---------------------------------------------------------------------

Observer::Observer(Transport& transport, Store& store, Router& router, Clock clock,
                   Listener listener)
    : Observer(transport, store, router, std::move(clock), std::move(listener), Options()) {}

Observer::Observer(Transport& transport, Store& store, Router& router, Clock clock,
                   Listener listener, Options options)
    : impl_(std::make_unique<Impl>(transport, store, router, std::move(clock), std::move(listener),
                                   std::move(options))) {}

Observer::~Observer() = default;

Result<std::size_t> Observer::run_once(std::chrono::milliseconds wait) {
  return impl_->run_once(wait);
}

Result<> Observer::process(std::span<const Delivery> batch) {
  return impl_->process(batch);
}

}  // namespace chat21
