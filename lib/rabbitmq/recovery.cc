#include "lib/rabbitmq/recovery.h"

namespace chat21::rabbitmq {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{250};

// RabbitMQ closes a connection that is silent for two heartbeats, which it notices within
// a third. Whoever consumes still is another observer, and what it holds is its own affair.
constexpr std::chrono::seconds kReserve{20};

}  // namespace

void Recovery::begin(std::span<const DeclaredQueue> queues, Time now,
                     std::chrono::seconds heartbeat) {
  forget();
  begun_ = true;
  next_look_ = now;
  zombies_end_ = now + 4 * heartbeat + kReserve;
  for (const DeclaredQueue& queue : queues) {
    // Nothing can be under way to us yet.
    Stage stage = queue.messages > 0 ? Stage::Repeats : Stage::Done;
    if (queue.consumers > 0) stage = Stage::Held;
    queues_.push_back({.name = queue.name, .stage = stage});
  }
  skip_done();
}

void Recovery::forget() {
  queues_.clear();
  incomplete_ = 0;
  begun_ = false;
  looking_ = false;
}

void Recovery::arrived(std::size_t queue, bool redelivered) {
  if (queue >= queues_.size()) return;
  auto& [name, stage, repeats] = queues_[queue];
  if (stage != Stage::Repeats && stage != Stage::Empty) return;
  if (redelivered && ++repeats <= prefetch_) return;
  stage = Stage::Done;
  skip_done();
}

std::optional<std::string_view> Recovery::look(Time now) {
  if (complete() || !begun_ || looking_ || now < next_look_) return {};
  looking_ = true;
  looked_at_ = incomplete_;
  return queues_[looked_at_].name;
}

void Recovery::looked(std::uint32_t messages, std::uint32_t consumers, Time now) {
  looking_ = false;
  next_look_ = now + kBetweenLooks;
  Stage& stage = queues_[looked_at_].stage;
  switch (stage) {
    case Stage::Held:
      // One of them is ours.
      if (consumers <= 1 || now >= zombies_end_) stage = Stage::Free;
      break;
    case Stage::Free:
      stage = Stage::Repeats;
      break;
    case Stage::Repeats:
      if (messages == 0) stage = Stage::Empty;
      break;
    case Stage::Empty:
      stage = Stage::Done;
      break;
    case Stage::Done:
      break;
  }
  skip_done();
}

void Recovery::skip_done() {
  while (incomplete_ < queues_.size() && queues_[incomplete_].stage == Stage::Done) ++incomplete_;
}

}  // namespace chat21::rabbitmq
