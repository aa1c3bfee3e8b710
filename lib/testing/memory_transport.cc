#include "chat21/testing/memory_transport.h"

#include <algorithm>
#include <utility>

namespace chat21::testing {

MemoryTransport::MemoryTransport() : MemoryTransport(Options()) {}

MemoryTransport::MemoryTransport(Options options) : options_(options) {}

void MemoryTransport::offer(std::string routing_key, std::string body) {
  Held held{.routing_key = std::move(routing_key), .body = std::move(body)};
  if (held.body.size() > options_.max_body_bytes) {
    held.omitted = held.body.size() - options_.max_body_bytes;
    held.body.resize(options_.max_body_bytes);
  }
  queue_.push_back(std::move(held));
}

Result<std::span<const Delivery>> MemoryTransport::receive(std::chrono::milliseconds /*wait*/) {
  if (disconnected_) return report_disconnect();
  for (Held& held : out_) held.redelivered = true;
  while (!queue_.empty() && out_.size() < options_.prefetch) {
    out_.push_back(std::move(queue_.front()));
    out_.back().tag = next_tag_++;
    queue_.pop_front();
  }
  recovered_ = repeats_are_out();
  batch_.clear();
  for (const Held& held : out_) {
    if (held.settled) continue;
    batch_.push_back({.tag = held.tag,
                      .routing_key = held.routing_key,
                      .body = held.body,
                      .redelivered = held.redelivered,
                      .omitted = held.omitted});
  }
  return std::span<const Delivery>(batch_);
}

Result<> MemoryTransport::publish(std::span<const Publish> publishes) {
  if (disconnected_) return report_disconnect();
  for (const Publish& publish : publishes) {
    if (publish.routing_key.size() > 255) {
      return fail(Error::Code::InvalidArgument, "cannot publish: the routing key has " +
                                                    std::to_string(publish.routing_key.size()) +
                                                    " bytes, more than 255");
    }
  }
  const auto break_after = std::exchange(fail_publish_after_, std::nullopt);
  const std::size_t count = std::min(break_after.value_or(publishes.size()), publishes.size());
  for (const Publish& publish : publishes.first(count)) {
    published_.push_back({std::string(publish.routing_key), std::string(publish.body)});
  }
  if (break_after) {
    return break_connection("cannot publish: the connection broke after " + std::to_string(count) +
                            " messages");
  }
  if (std::exchange(lose_confirms_, false)) {
    return break_connection("the connection broke before the publishes were confirmed");
  }
  return {};
}

Result<> MemoryTransport::settle(std::span<const Settle> settled) {
  if (disconnected_) return report_disconnect();
  for (const Settle& one : settled) {
    if (one.tag <= lost_tag_) {
      return fail(Error::Code::Unavailable, "cannot settle delivery " + std::to_string(one.tag) +
                                                ": its connection was lost");
    }
    const auto found = std::find_if(out_.begin(), out_.end(), [&one](const Held& held) {
      return held.tag == one.tag && !held.settled;
    });
    if (found == out_.end()) {
      return fail(Error::Code::Internal, "cannot settle delivery " + std::to_string(one.tag) +
                                             ": it is not out, or was settled before");
    }
    found->settled = true;
    ++outcomes_[static_cast<std::size_t>(one.outcome)];
    // From the front only: elsewhere it would move others, whose bytes are lent.
    while (!out_.empty() && out_.front().settled) {
      settled_up_to_ = out_.front().tag;
      out_.pop_front();
    }
  }
  return {};
}

std::size_t MemoryTransport::pending() const {
  const auto unsettled =
      std::count_if(out_.begin(), out_.end(), [](const Held& held) { return !held.settled; });
  return queue_.size() + static_cast<std::size_t>(unsettled);
}

// What was out when the connection broke went to the front.
bool MemoryTransport::repeats_are_out() const {
  return queue_.empty() || !queue_.front().redelivered;
}

void MemoryTransport::disconnect() {
  while (!out_.empty()) {
    if (!out_.back().settled) {
      queue_.push_front(std::move(out_.back()));
      queue_.front().redelivered = true;
    }
    out_.pop_back();
  }
  lost_tag_ = next_tag_ - 1;
  recovered_ = repeats_are_out();
  disconnected_ = true;
}

void MemoryTransport::lose_confirms() {
  lose_confirms_ = true;
}

void MemoryTransport::fail_publish_after(std::size_t count) {
  fail_publish_after_ = count;
}

Error MemoryTransport::break_connection(std::string why) {
  disconnect();
  disconnected_ = false;  // this error is the report
  return fail(Error::Code::Unavailable, std::move(why));
}

Error MemoryTransport::report_disconnect() {
  disconnected_ = false;
  return fail(Error::Code::Unavailable, "the connection was lost");
}

}  // namespace chat21::testing
