#include "lib/mqtt/inbox.h"

#include <algorithm>
#include <utility>

namespace chat21::mqtt {

void Inbox::push(std::string routing_key, std::string_view body) {
  const std::string_view kept = body.substr(0, limits_.max_body_bytes);
  held_.push_back({.routing_key = std::move(routing_key),
                   .body = std::string(kept),
                   .omitted = body.size() - kept.size()});
  bytes_ += held_.back().routing_key.size() + kept.size();
}

std::span<const Delivery> Inbox::hand_out() {
  batch_.clear();
  for (std::size_t i = 0; i < held_.size() && batch_.size() < limits_.prefetch; ++i) {
    Held& next = held_[i];
    if (next.settled) continue;
    if (i < handed_out_) next.redelivered = true;
    batch_.push_back({.tag = first_tag_ + i,
                      .routing_key = next.routing_key,
                      .body = next.body,
                      .redelivered = next.redelivered,
                      .omitted = next.omitted});
    handed_out_ = std::max(handed_out_, i + 1);
  }
  recovered_ = repeats_are_out();
  return batch_;
}

Result<> Inbox::settle(std::span<const Settle> settled) {
  for (const Settle& one : settled) {
    if (auto checked = check(one.tag); !checked) return checked;
  }
  for (const Settle& one : settled) held(one.tag).settled = true;
  while (!held_.empty() && held_.front().settled) {
    bytes_ -= held_.front().routing_key.size() + held_.front().body.size();
    held_.pop_front();
    ++first_tag_;
    --handed_out_;
  }
  return {};
}

Result<> Inbox::check(Tag tag) const {
  if (tag < connection_tag_) {
    return fail(Error::Code::Unavailable,
                "cannot settle delivery " + std::to_string(tag) + ": its connection was lost");
  }
  const bool handed_out = tag >= first_tag_ && tag - first_tag_ < handed_out_;
  if (!handed_out || held_[tag - first_tag_].settled) {
    return fail(Error::Code::Internal, "cannot settle delivery " + std::to_string(tag) +
                                           ": it is not out, or was settled before");
  }
  return {};
}

void Inbox::connection_lost() {
  for (std::size_t i = 0; i < handed_out_; ++i) held_[i].redelivered = true;
  first_tag_ += held_.size();
  connection_tag_ = first_tag_;
  handed_out_ = 0;
  std::erase_if(held_, [this](const Held& one) {
    if (one.settled) bytes_ -= one.routing_key.size() + one.body.size();
    return one.settled;
  });
  recovered_ = repeats_are_out();
}

// They stand before what is new.
bool Inbox::repeats_are_out() const {
  return handed_out_ == held_.size() || !held_[handed_out_].redelivered;
}

}  // namespace chat21::mqtt
