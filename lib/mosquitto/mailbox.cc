#include "lib/mosquitto/mailbox.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>
#include <utility>

#include "chat21/topic.h"

namespace chat21::mosquitto {
namespace {

using std::chrono::steady_clock;

// What is kept for the next messages: this many, of this capacity at the most.
constexpr std::size_t kMostSpare = 1024;
constexpr std::size_t kSpareCapacity = 4096;

// A signal that comes just before the broker goes to sleep does not wake it.
constexpr std::chrono::milliseconds kWakeAgain{1};

}  // namespace

Outgoing make_outgoing(const Publish& publish) {
  // Never malloc(0): it may return null, which would look like a lack of memory.
  auto* body = static_cast<char*>(std::malloc(std::max<std::size_t>(publish.body.size(), 1)));
  if (body == nullptr) throw std::bad_alloc();
  Outgoing made{.topic = {}, .body = {body, std::free}, .size = publish.body.size()};
  std::copy(publish.body.begin(), publish.body.end(), body);
  made.topic = publish.routing_key;
  std::replace(made.topic.begin(), made.topic.end(), '.', '/');
  return made;
}

Mailbox::Mailbox(MailboxOptions options) : options_(std::move(options)) {}

// --- The broker's thread -----------------------------------------------------

Result<> Mailbox::put(std::string_view routing_key, std::string_view body) {
  Lock lock(mutex_);
  if (auto room = wait_for_room(lock); !room) return room;
  stage(routing_key, body);
  return {};
}

Result<> Mailbox::put_and_wait(std::string_view routing_key, std::string_view body) {
  Lock lock(mutex_);
  if (auto room = wait_for_room(lock); !room) return room;
  const Tag tag = stage(routing_key, body);
  flush_locked();
  broker_waits_ = true;
  const auto decided = [&] { return !is_pending(tag) || (outage_ && !is_begun(tag)); };
  if (!for_broker_.wait_for(lock, options_.patience, decided)) {
    if (!is_begun(tag)) stall("the observer did not begin with a message");
    for_broker_.wait(lock, decided);
  }
  broker_waits_ = false;
  if (withdraw(tag)) return refusal();
  return {};
}

// Here and below: whoever is woken while the lock is held only goes to sleep again for it,
// which costs a message more than its commit does.
void Mailbox::flush() {
  Lock lock(mutex_);
  if (staged_.empty()) return;
  waiting_.splice(waiting_.end(), staged_);
  lock.unlock();
  for_observer_.notify_one();
}

void Mailbox::take(std::vector<Outgoing>& taken) {
  taken.clear();
  Lock lock(mutex_);
  taken.swap(outbox_);
  outgoing_bytes_ = 0;
  const bool observer_waits = observer_waits_;
  lock.unlock();
  if (observer_waits) for_observer_.notify_one();
}

void Mailbox::close(Deadline deadline) {
  const Lock lock(mutex_);
  flush_locked();
  closed_ = deadline;
  for_observer_.notify_one();
}

Result<> Mailbox::wait_for_room(Lock& lock) {
  if (closed_ || outage_) return refusal();
  if (has_room()) return {};
  flush_locked();  // or the observer would not know what to make room of
  broker_waits_ = true;
  const bool in_time = for_broker_.wait_for(
      lock, options_.patience, [this] { return has_room() || observer_waits_ || outage_; });
  broker_waits_ = false;
  if (!in_time) stall("no message was stored");
  if (outage_) return refusal();
  return {};
}

// The broker must not be held up for as long by the next message as well.
void Mailbox::stall(const std::string& what) {
  outage_ = fail(Error::Code::Unavailable,
                 what + " within " + std::to_string(options_.patience.count()) + " ms");
}

Error Mailbox::refusal() const {
  return fail(Error::Code::Unavailable, outage_ ? "cannot take messages: " + outage_->message
                                                : "cannot take messages: the observer was stopped");
}

bool Mailbox::has_room() const {
  return staged_.size() + waiting_.size() + out_.size() < options_.max_pending &&
         pending_bytes_ < options_.max_pending_bytes;
}

Tag Mailbox::stage(std::string_view routing_key, std::string_view body) {
  if (spare_.empty()) spare_.emplace_back();
  staged_.splice(staged_.end(), spare_, spare_.begin());
  Held& held = staged_.back();
  const std::string_view kept = body.substr(0, options_.max_body_bytes);
  held.tag = ++last_tag_;
  held.bytes.assign(routing_key);
  held.bytes.append(kept);
  held.key_size = routing_key.size();
  held.omitted = body.size() - kept.size();
  held.redelivered = false;
  pending_bytes_ += held.bytes.size();
  return held.tag;
}

void Mailbox::flush_locked() {
  if (staged_.empty()) return;
  waiting_.splice(waiting_.end(), staged_);
  for_observer_.notify_one();
}

bool Mailbox::is_pending(Tag tag) const {
  const auto has_tag = [tag](const Held& held) { return held.tag == tag; };
  return std::any_of(waiting_.begin(), waiting_.end(), has_tag) ||
         std::any_of(out_.begin(), out_.end(), has_tag);
}

bool Mailbox::is_begun(Tag tag) const {
  return working_ &&
         std::any_of(out_.begin(), out_.end(), [tag](const Held& held) { return held.tag == tag; });
}

bool Mailbox::withdraw(Tag tag) {
  for (Queue* queue : {&waiting_, &out_}) {
    const auto found = std::find_if(queue->begin(), queue->end(),
                                    [tag](const Held& held) { return held.tag == tag; });
    if (found == queue->end()) continue;
    release(*queue, found);
    return true;
  }
  return false;
}

void Mailbox::release(Queue& from, Queue::iterator held) {
  pending_bytes_ -= held->bytes.size();
  if (spare_.size() < kMostSpare && held->bytes.capacity() <= kSpareCapacity) {
    spare_.splice(spare_.begin(), from, held);
  } else {
    from.erase(held);
  }
}

// --- The observer's thread ---------------------------------------------------

template <class Done>
void Mailbox::wait_waking(Lock& lock, Deadline deadline, const Done& done) {
  while (!done()) {
    const auto now = steady_clock::now();
    if (now >= deadline) return;
    const bool wake = !outbox_.empty() && options_.wake;
    const auto until = wake ? std::min(deadline, now + kWakeAgain) : deadline;
    if (for_observer_.wait_until(lock, until, done)) return;
    if (outbox_.empty() || !options_.wake) continue;
    lock.unlock();
    options_.wake();
    lock.lock();
  }
}

Result<std::span<const Delivery>> Mailbox::receive(std::chrono::milliseconds wait) {
  Lock lock(mutex_);
  working_ = false;
  for (Held& held : out_) held.redelivered = true;
  wait_waking(lock, steady_clock::now() + wait,
              [this] { return closed_.has_value() || !out_.empty() || !waiting_.empty(); });
  hand_out();
  working_ = !out_.empty();
  batch_.clear();
  for (const Held& held : out_) {
    const std::string_view bytes = held.bytes;
    batch_.push_back({.tag = held.tag,
                      .routing_key = bytes.substr(0, held.key_size),
                      .body = bytes.substr(held.key_size),
                      .redelivered = held.redelivered,
                      .omitted = held.omitted});
  }
  return std::span<const Delivery>(batch_);
}

void Mailbox::hand_out() {
  std::size_t bytes = 0;
  for (const Held& held : out_) bytes += held.bytes.size();
  const std::size_t before = out_.size();
  while (!waiting_.empty() && out_.size() < options_.prefetch) {
    bytes += waiting_.front().bytes.size();
    if (!out_.empty() && bytes > options_.prefetch_bytes) break;
    out_.splice(out_.end(), waiting_, waiting_.begin());
    last_out_ = out_.back().tag;
  }
  if (out_.size() > before) ++batches_;
}

Result<> Mailbox::publish(std::span<const Publish> publishes) {
  std::vector<Outgoing> made;
  made.reserve(publishes.size());
  std::size_t bytes = 0;
  for (const Publish& publish : publishes) {
    if (publish.routing_key.size() > kMaxRoutingKey) {
      return fail(Error::Code::InvalidArgument, "cannot publish: the routing key has " +
                                                    std::to_string(publish.routing_key.size()) +
                                                    " bytes, more than 255");
    }
    made.push_back(make_outgoing(publish));
    bytes += bytes_of(made.back());
  }
  if (made.empty()) return {};

  Lock lock(mutex_);
  std::move(made.begin(), made.end(), std::back_inserter(outbox_));
  outgoing_bytes_ += bytes;
  lock.unlock();
  if (options_.wake) options_.wake();
  lock.lock();
  const auto may_go_on = [this] {
    return outgoing_bytes_ <= options_.max_outgoing_bytes || broker_waits_ || closed_;
  };
  if (may_go_on()) return {};
  observer_waits_ = true;
  wait_waking(lock, Deadline::max(), may_go_on);
  observer_waits_ = false;
  return {};
}

Result<> Mailbox::settle(std::span<const Settle> settled) {
  Lock lock(mutex_);
  for (const Settle& one : settled) {
    // At the front, unless somebody settles out of order.
    const auto found = std::find_if(out_.begin(), out_.end(),
                                    [&one](const Held& held) { return held.tag >= one.tag; });
    if (found == out_.end() || found->tag != one.tag) {
      return fail(Error::Code::Internal, "cannot settle delivery " + std::to_string(one.tag) +
                                             ": it is not out, or was settled before");
    }
    release(out_, found);
    settled_up_to_ = out_.empty() ? last_out_ : out_.front().tag - 1;
  }
  const bool broker_waits = broker_waits_;
  lock.unlock();
  if (broker_waits) for_broker_.notify_one();
  return {};
}

void Mailbox::begin_outage(const Error& why) {
  const Lock lock(mutex_);
  working_ = false;
  outage_ = why;
  for_broker_.notify_one();
}

void Mailbox::end_outage() {
  const Lock lock(mutex_);
  outage_.reset();
}

void Mailbox::pause(std::chrono::milliseconds wait) {
  Lock lock(mutex_);
  working_ = false;
  wait_waking(lock, steady_clock::now() + wait,
              [this, closed = closed_] { return closed_ != closed; });
}

void Mailbox::wait_until_closed() {
  Lock lock(mutex_);
  wait_waking(lock, Deadline::max(), [this] { return closed_.has_value(); });
}

bool Mailbox::finished() const {
  const Lock lock(mutex_);
  return closed_ && ((waiting_.empty() && out_.empty()) || steady_clock::now() >= *closed_);
}

// --- Any thread ---------------------------------------------------------------

std::optional<Error> Mailbox::outage() const {
  const Lock lock(mutex_);
  return outage_;
}

std::size_t Mailbox::pending() const {
  const Lock lock(mutex_);
  return waiting_.size() + out_.size();
}

std::uint64_t Mailbox::batches() const {
  const Lock lock(mutex_);
  return batches_;
}

}  // namespace chat21::mosquitto
