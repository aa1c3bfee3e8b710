#include "lib/rabbitmq/consumer.h"

#include <algorithm>
#include <amqp_framing.h>
#include <cassert>
#include <chrono>
#include <utility>

namespace chat21::rabbitmq {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What a settled delivery's buffer may keep for the next one. Otherwise a burst
// of large bodies would stay in memory, prefetch times the largest.
constexpr std::size_t kKeptCapacity = 64U << 10U;

Error out_of_step(const std::string& what) {
  return fail(Error::Code::Unavailable, "unexpected from the broker: " + what);
}

}  // namespace

Consumer::Consumer(const RabbitmqOptions& options) : options_(options), ring_(options.prefetch) {
  batch_.reserve(options.prefetch);
}

Result<> Consumer::start(Connection& connection, std::span<const DeclaredQueue> queues) {
  assert(arrived_ == 0);
  before_connection_ = last_tag_;
  recovery_.begin(queues, SteadyClock::now(), connection.heartbeat());
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const std::string& name = queues[i].name;
    // The limit holds for each consumer (one for the whole channel is what
    // RabbitMQ abandons), so the queues share it.
    const std::size_t share =
        options_.prefetch / queues.size() + (i < options_.prefetch % queues.size() ? 1 : 0);
    amqp_basic_qos(connection.state(), kChannel, 0, static_cast<std::uint16_t>(share), 0);
    if (auto set = connection.check(amqp_get_rpc_reply(connection.state()),
                                    "cannot set the prefetch of queue '" + name + "'");
        !set) {
      return set;
    }
    const auto* started = amqp_basic_consume(connection.state(), kChannel, bytes_of(name),
                                             amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    if (auto consuming = connection.check(amqp_get_rpc_reply(connection.state()),
                                          "cannot consume from queue '" + name + "'");
        !consuming) {
      return consuming;
    }
    consumer_tags_.emplace_back(view_of(started->consumer_tag));
  }
  return {};
}

Result<> Consumer::cancel(Connection& connection) {
  for (const std::string& tag : consumer_tags_) {
    amqp_basic_cancel(connection.state(), kChannel, bytes_of(tag));
    if (auto cancelled =
            connection.check(amqp_get_rpc_reply(connection.state()), "cannot stop consuming");
        !cancelled) {
      return cancelled;
    }
  }
  return {};
}

void Consumer::forget() {
  for (std::size_t i = 0; i < arrived_; ++i) release(held(i));
  consumer_tags_.clear();
  first_ = handed_out_ = arrived_ = 0;
  expecting_ = Expecting::Method;
  acknowledged_ = settled_up_to_;
  asked_ = 0;
  recovery_.forget();
  recovered_ = false;
}

Result<> Consumer::take(const amqp_frame_t& frame) {
  switch (frame.frame_type) {
    case AMQP_FRAME_METHOD:
      return take_method(frame.payload.method);
    case AMQP_FRAME_HEADER:
      return take_header(frame.payload.properties.body_size);
    case AMQP_FRAME_BODY:
      return take_body(view_of(frame.payload.body_fragment));
    default:
      return {};  // heartbeats on a channel and the like: nothing of ours
  }
}

Result<> Consumer::take_method(const amqp_method_t& method) {
  if (method.id == AMQP_BASIC_DELIVER_METHOD) {
    return take_deliver(*static_cast<const amqp_basic_deliver_t*>(method.decoded));
  }
  if (method.id == AMQP_BASIC_CANCEL_METHOD) {
    return fail(Error::Code::Unavailable,
                "the broker cancelled the consumer: its queue was deleted or moved away");
  }
  if (method.id == AMQP_CHANNEL_FLOW_OK_METHOD && asked_ != 0) {
    settled_up_to_ = std::exchange(asked_, 0);
    return {};
  }
  if (method.id == AMQP_QUEUE_DECLARE_OK_METHOD && recovery_.is_looking()) {
    const auto* found = static_cast<const amqp_queue_declare_ok_t*>(method.decoded);
    recovery_.looked(found->message_count, found->consumer_count, SteadyClock::now());
    return {};
  }
  if (options_.log) {
    options_.log(RabbitmqOptions::Level::Warning,
                 "ignoring " + std::string(amqp_method_name(method.id)) + " from the broker");
  }
  return {};
}

Result<> Consumer::take_deliver(const amqp_basic_deliver_t& deliver) {
  if (expecting_ != Expecting::Method) return out_of_step("a delivery within a delivery");
  if (arrived_ == ring_.size()) return out_of_step("more deliveries than the prefetch allows");
  const Tag tag = before_connection_ + deliver.delivery_tag;
  if (tag != last_tag_ + 1) return out_of_step("a gap in the delivery tags");
  last_tag_ = tag;

  Held& arriving = held(arrived_);
  arriving.tag = tag;
  arriving.routing_key.assign(view_of(deliver.routing_key));
  arriving.body.clear();
  arriving.queue = queue_of(view_of(deliver.consumer_tag));
  arriving.redelivered = deliver.redelivered != 0;
  arriving.settled = false;
  expecting_ = Expecting::Header;
  return {};
}

// As many as there are queues: nobody that we know.
std::size_t Consumer::queue_of(std::string_view consumer_tag) const {
  const auto found = std::find(consumer_tags_.begin(), consumer_tags_.end(), consumer_tag);
  return static_cast<std::size_t>(found - consumer_tags_.begin());
}

Result<> Consumer::take_header(std::uint64_t body_size) {
  if (expecting_ != Expecting::Header) return out_of_step("a content header without a delivery");
  held(arrived_).body_size = body_size;
  body_received_ = 0;
  expecting_ = Expecting::Body;
  if (body_size == 0) complete();  // then there is no body frame
  return {};
}

Result<> Consumer::take_body(std::string_view fragment) {
  if (expecting_ != Expecting::Body) return out_of_step("a body without a content header");
  Held& arriving = held(arrived_);
  body_received_ += fragment.size();
  if (body_received_ > arriving.body_size) return out_of_step("a body longer than announced");
  arriving.body.append(fragment.substr(0, options_.max_body_bytes - arriving.body.size()));
  if (body_received_ == arriving.body_size) complete();
  return {};
}

void Consumer::complete() {
  const Held& arrived = held(arrived_);
  ++delivered_;
  if (arrived.redelivered) ++redelivered_;
  recovery_.arrived(arrived.queue, arrived.redelivered);
  ++arrived_;
  expecting_ = Expecting::Method;
}

std::span<const Delivery> Consumer::hand_out() {
  batch_.clear();
  for (std::size_t i = 0; i < arrived_; ++i) {
    Held& next = held(i);
    if (next.settled) continue;
    if (i < handed_out_) next.redelivered = true;
    batch_.push_back({.tag = next.tag,
                      .routing_key = next.routing_key,
                      .body = next.body,
                      .redelivered = next.redelivered,
                      .omitted = static_cast<std::size_t>(next.body_size) - next.body.size()});
  }
  handed_out_ = arrived_;
  recovered_ = recovery_.complete();
  return batch_;
}

Result<> Consumer::check_handed_out(std::span<const Settle> settled) {
  for (const Settle& one : settled) {
    if (one.tag <= before_connection_) {
      return fail(Error::Code::Unavailable, "cannot settle delivery " + std::to_string(one.tag) +
                                                ": its connection was lost");
    }
    const bool handed_out = handed_out_ > 0 && one.tag >= held(0).tag &&
                            one.tag - held(0).tag < handed_out_ &&
                            !held(one.tag - held(0).tag).settled;
    if (!handed_out) {
      return fail(Error::Code::Internal, "cannot settle delivery " + std::to_string(one.tag) +
                                             ": it is not out, or was settled before");
    }
  }
  return {};
}

Result<> Consumer::settle(Connection& connection, std::span<const Settle> settled) {
  for (const Settle& one : settled) held(one.tag - held(0).tag).settled = true;

  // Never past one that is not settled: "multiple" would lose it.
  Tag finished = 0;
  while (handed_out_ > 0 && held(0).settled) {
    finished = held(0).tag;
    release(held(0));
    first_ = (first_ + 1) % ring_.size();
    --handed_out_;
    --arrived_;
    ++settled_;
  }
  if (finished == 0) return {};
  acknowledged_ = finished;
  if (auto sent = connection.check(
          amqp_basic_ack(connection.state(), kChannel, finished - before_connection_, 1),
          "cannot acknowledge deliveries");
      !sent) {
    return sent;
  }
  return ask(connection);
}

Result<> Consumer::ask(Connection& connection) {
  if (asked_ == 0 && acknowledged_ != settled_up_to_) {
    // Of all that is answered this changes nothing: deliveries flow already.
    amqp_channel_flow_t flow{.active = 1};
    if (auto sent = connection.check(
            amqp_send_method(connection.state(), kChannel, AMQP_CHANNEL_FLOW_METHOD, &flow),
            "cannot ask whether deliveries are acknowledged");
        !sent) {
      return sent;
    }
    asked_ = acknowledged_;
  }
  const auto queue = recovery_.look(SteadyClock::now());
  if (!queue) return {};
  amqp_queue_declare_t look{};
  look.queue = bytes_of(*queue);
  look.passive = 1;
  return connection.check(
      amqp_send_method(connection.state(), kChannel, AMQP_QUEUE_DECLARE_METHOD, &look),
      "cannot look at queue '" + std::string(*queue) + "'");
}

void Consumer::release(Held& delivery) {
  if (delivery.body.capacity() > kKeptCapacity) std::string().swap(delivery.body);
}

}  // namespace chat21::rabbitmq
