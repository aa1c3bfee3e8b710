#include <algorithm>
#include <amqp.h>
#include <amqp_framing.h>
#include <array>
#include <string>
#include <vector>

#include "lib/rabbitmq/consumer.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/rabbitmq/targets.h"

namespace chat21::tests {
namespace {

using rabbitmq::bytes_of;
using rabbitmq::Consumer;

constexpr std::size_t kMostFrames = 200;

// What the frames so far amount to, with no limit on memory.
struct Expected {
  std::string routing_key;
  std::string body;
  std::uint64_t body_size = 0;
  Tag tag = 0;
  bool redelivered = false;
};

class Conversation {
 public:
  Conversation(std::uint16_t prefetch, std::size_t max_body)
      : options_(options(prefetch, max_body)), consumer_(options_) {}

  // False: out of step; a connection ends with that.
  bool step(std::string_view& input) {
    const unsigned byte = take_byte(input);
    switch (byte % 8) {
      case 0:
      case 1:
        return deliver(byte, input);
      case 2:
      case 3:
        return header(byte, input);
      case 4:
      case 5:
        return body(input);
      case 6:
        hand_out();
        return true;
      default:
        return other(byte);
    }
  }

  void end() {
    consumer_.forget();
    promise(!consumer_.ready() && consumer_.hand_out().empty(), "what is forgotten is gone");
  }

 private:
  static RabbitmqOptions options(std::uint16_t prefetch, std::size_t max_body) {
    RabbitmqOptions made;
    made.prefetch = prefetch;
    made.max_body_bytes = max_body;
    made.log = [](RabbitmqOptions::Level, const std::string& message) {
      promise(!message.empty(), "what is logged says something");
    };
    return made;
  }

  bool take(amqp_frame_t& frame, bool expected) {
    frame.channel = rabbitmq::kChannel;
    const auto taken = consumer_.take(frame);
    promise(taken.has_value() == expected, "a frame is taken where it has its place");
    promise(taken || taken.error().code == Error::Code::Unavailable,
            "a broker out of step is a connection lost");
    return taken.has_value();
  }

  bool deliver(unsigned byte, std::string_view& input) {
    // Mostly the next tag, sometimes any.
    const std::uint64_t tag = (byte & 0x80U) == 0 ? last_tag_ + 1 : take_byte(input);
    const std::string key(input.substr(0, (byte >> 3U) & 0xFU));
    input.remove_prefix(key.size());
    amqp_basic_deliver_t method{};
    method.delivery_tag = tag;
    method.redelivered = static_cast<amqp_boolean_t>(byte & 1U);
    method.routing_key = bytes_of(key);
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_METHOD;
    frame.payload.method = {AMQP_BASIC_DELIVER_METHOD, &method};
    const bool fits = !arriving_ && complete_.size() < options_.prefetch && tag == last_tag_ + 1;
    if (!take(frame, fits)) return false;
    last_tag_ = tag;
    arriving_ = true;
    has_header_ = false;
    next_ = {.routing_key = key, .body = {}, .tag = tag, .redelivered = (byte & 1U) != 0};
    return true;
  }

  bool header(unsigned byte, std::string_view& input) {
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_HEADER;
    frame.payload.properties.class_id = AMQP_BASIC_CLASS;
    // Also sizes that no body reaches.
    next_.body_size = (byte & 0x80U) == 0 ? take_byte(input) : UINT64_MAX - take_byte(input);
    frame.payload.properties.body_size = next_.body_size;
    if (!take(frame, arriving_ && !has_header_)) return false;
    has_header_ = true;
    complete_if_whole();
    return true;
  }

  bool body(std::string_view& input) {
    const std::size_t size = take_byte(input);
    const std::string_view fragment = input.substr(0, size);
    input.remove_prefix(fragment.size());
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_BODY;
    frame.payload.body_fragment = bytes_of(fragment);
    const bool fits = arriving_ && has_header_ &&
                      fragment.size() <= next_.body_size - std::min<std::uint64_t>(
                                                               next_.body.size(), next_.body_size);
    if (!take(frame, fits)) return false;
    next_.body += fragment;
    complete_if_whole();
    return true;
  }

  bool other(unsigned byte) {
    amqp_frame_t frame{};
    if ((byte & 0x80U) != 0) {
      frame.frame_type = AMQP_FRAME_HEARTBEAT;
      return take(frame, true);
    }
    constexpr std::array<amqp_method_number_t, 6> kMethods = {
        AMQP_BASIC_CANCEL_METHOD,       AMQP_BASIC_ACK_METHOD,       AMQP_BASIC_RETURN_METHOD,
        AMQP_CONNECTION_BLOCKED_METHOD, AMQP_CHANNEL_FLOW_OK_METHOD, AMQP_QUEUE_DECLARE_OK_METHOD};
    frame.frame_type = AMQP_FRAME_METHOD;
    frame.payload.method.id = kMethods[(byte >> 3U) % kMethods.size()];
    amqp_queue_declare_ok_t answer{};  // nobody has asked
    frame.payload.method.decoded = &answer;
    return take(frame, frame.payload.method.id != AMQP_BASIC_CANCEL_METHOD);
  }

  void complete_if_whole() {
    if (next_.body.size() != next_.body_size) return;
    arriving_ = false;
    complete_.push_back(next_);
  }

  void hand_out() {
    const auto handed = consumer_.hand_out();
    promise(handed.size() == complete_.size() && consumer_.ready() == !complete_.empty(),
            "what is complete is handed out");
    std::vector<Settle> settled;
    for (std::size_t i = 0; i < handed.size(); ++i) {
      const Delivery& one = handed[i];
      const Expected& wanted = complete_[i];
      promise(one.tag == wanted.tag && one.routing_key == wanted.routing_key,
              "deliveries are handed out in their order");
      promise(one.body.size() + one.omitted == wanted.body.size() &&
                  one.body.size() == std::min(wanted.body.size(), options_.max_body_bytes) &&
                  wanted.body.starts_with(one.body),
              "a body is whole, or cut at the limit");
      promise(one.redelivered == (wanted.redelivered || i < handed_out_),
              "what was handed out before is a repeat");
      settled.push_back({.tag = one.tag});
    }
    promise(consumer_.check_handed_out(settled).has_value(), "what is out can be settled");
    const Settle unknown{.tag = last_tag_ + 1};
    promise(!consumer_.check_handed_out({&unknown, 1}), "what is not out cannot");
    handed_out_ = handed.size();
  }

  RabbitmqOptions options_;
  Consumer consumer_;
  Tag last_tag_ = 0;
  Expected next_;
  bool arriving_ = false;
  bool has_header_ = false;
  std::vector<Expected> complete_;
  std::size_t handed_out_ = 0;
};

}  // namespace

void fuzz_frames(std::string_view input) {
  const auto prefetch = static_cast<std::uint16_t>(1 + take_byte(input) % 8);
  Conversation conversation(prefetch, 1 + take_byte(input) % 64);
  for (std::size_t i = 0; i < kMostFrames && !input.empty(); ++i) {
    if (!conversation.step(input)) break;
  }
  conversation.end();
}

}  // namespace chat21::tests
