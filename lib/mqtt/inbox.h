// Deliveries that are not settled: those handed out, and those that wait.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/delivery.h"
#include "chat21/result.h"

namespace chat21::mqtt {

class Inbox {
 public:
  struct Limits {
    std::size_t prefetch = 0;
    std::size_t max_body_bytes = 0;
    std::size_t max_held_bytes = 0;
  };
  explicit Inbox(const Limits& limits) : limits_(limits) {}

  // One has arrived. Taken even if the inbox is full: it is acknowledged already.
  void push(std::string routing_key, std::string_view body);

  bool empty() const { return held_.empty(); }
  std::size_t bytes() const { return bytes_; }
  // Nothing should be read into it.
  bool full() const { return bytes_ >= limits_.max_held_bytes; }
  // Nothing may be read into it.
  bool overflows() const { return bytes_ / 2 >= limits_.max_held_bytes; }

  // The first that are not settled, at most prefetch. Those handed out before count as
  // redelivered. Valid until the next call, the bytes until settled.
  std::span<const Delivery> hand_out();

  // Errors: Unavailable: handed out before the connection was lost, and offered again
  // under another tag. Internal: not handed out, or settled before. Then none is settled.
  Result<> settle(std::span<const Settle> settled);

  // As Transport has them.
  Tag settled_up_to() const { return first_tag_ - 1; }
  bool recovered() const { return recovered_; }

  // All are offered again, under tags that are new.
  void connection_lost();

 private:
  struct Held {
    std::string routing_key;
    std::string body;
    std::size_t omitted = 0;
    bool redelivered = false;
    bool settled = false;
  };
  Result<> check(Tag tag) const;
  bool repeats_are_out() const;
  Held& held(Tag tag) { return held_[tag - first_tag_]; }

  const Limits limits_;
  std::deque<Held> held_;  // tags count on from the first; never moves what is lent
  Tag first_tag_ = 1;
  Tag connection_tag_ = 1;      // the first since the last loss
  std::size_t handed_out_ = 0;  // of held_, from the front; some may be settled
  std::size_t bytes_ = 0;
  bool recovered_ = true;
  std::vector<Delivery> batch_;
};

}  // namespace chat21::mqtt
