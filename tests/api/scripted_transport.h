// A Transport for the gateway's tests: a broker in a few lines, with an observer that
// answers fences if it is told to. Safe from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat21/arena.h"
#include "chat21/json.h"
#include "chat21/topic.h"
#include "chat21/transport.h"

#include "server/api/gateway.h"

namespace chat21::server {

class ScriptedTransport final : public Transport {
 public:
  using Batch = std::vector<Outgoing>;

  // --- What the gateway does

  Result<std::span<const Delivery>> receive(std::chrono::milliseconds wait) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [this] { return woken_ || lost_ || !arrived_.empty(); });
    woken_ = false;
    if (lost_) return *std::exchange(lost_, std::nullopt);
    deliveries_.clear();
    for (const auto& [tag, key] : arrived_) {
      deliveries_.push_back({.tag = tag, .routing_key = key, .body = "{}"});
    }
    return std::span<const Delivery>(deliveries_);
  }

  Result<> publish(std::span<const Publish> publishes) override {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    if (refusal_) return *refusal_;
    auto& batch = batches_.emplace_back();
    for (const Publish& publish : publishes) {
      batch.push_back({std::string(publish.routing_key), std::string(publish.body)});
      route(batch.back());
    }
    changed_.notify_all();
    return {};
  }

  Result<> settle(std::span<const Settle> settled) override {
    const std::lock_guard lock(mutex_);
    for (const Settle& one : settled) arrived_.erase(one.tag);
    changed_.notify_all();
    return {};
  }

  Tag settled_up_to() const override { return 0; }
  bool recovered() const override { return true; }

  void wake() {
    const std::lock_guard lock(mutex_);
    ++wakes_;
    woken_ = true;
    changed_.notify_all();
  }

  // --- What the test does

  void answer_fences(bool yes) {
    change([&] { answers_ = yes; });
  }
  void hold_publishes(bool yes) {
    change([&] { held_ = yes; });
  }
  void refuse_publishes(std::optional<Error> error) {
    change([&] { refusal_ = std::move(error); });
  }
  void lose(Error error) {
    change([&] { lost_ = std::move(error); });
  }
  void deliver(const std::string& key) {
    change([&] { arrived_.emplace(++last_tag_, key); });
  }

  // Each returns at once if it is so already; false: it did not happen for long.
  bool wait_until_sent(std::size_t messages) {
    return wait([&] { return sent().size() >= messages; });
  }
  bool wait_until_publishing(std::size_t times) {
    return wait([&] { return begun_ >= times; });
  }
  bool wait_until_woken(std::size_t times) {
    return wait([&] { return wakes_ >= times; });
  }
  bool wait_until_settled() {
    return wait([&] { return arrived_.empty(); });
  }

  // What was published to others than ourselves.
  Batch messages() {
    const std::lock_guard lock(mutex_);
    return sent();
  }
  std::vector<Batch> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  std::size_t begun() {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

 private:
  static constexpr const char* kInbox = "apps.tilechat.users.me.fence.";

  template <class Change>
  void change(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }
  Batch sent() const {
    Batch all;
    for (const Batch& batch : batches_) {
      for (const Outgoing& message : batch) {
        if (!message.routing_key.starts_with(kInbox)) all.push_back(message);
      }
    }
    return all;
  }
  void route(const Outgoing& message) {
    if (message.routing_key.starts_with(kInbox)) arrived_.emplace(++last_tag_, message.routing_key);
    Arena arena;
    if (!answers_ || message.routing_key != order_key(arena, "tilechat", Topic::Kind::Fence))
      return;
    JsonObject order;
    if (!order.parse(message.body)) return;
    const auto key = fence_key(arena, "tilechat", decode_string(*order.find("inbox")),
                               decode_string(*order.find("token")));
    arrived_.emplace(++last_tag_, key);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false, held_ = false, answers_ = true;
  std::size_t wakes_ = 0, begun_ = 0;
  std::optional<Error> refusal_, lost_;
  std::vector<Batch> batches_;
  std::map<Tag, std::string> arrived_;
  std::vector<Delivery> deliveries_;
  Tag last_tag_ = 0;
};

}  // namespace chat21::server
