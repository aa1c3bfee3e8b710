#include "lib/testing/simulation/broker.h"

#include <algorithm>
#include <utility>

namespace chat21::testing {

LetterNumber Broker::accept(std::size_t queue, std::string routing_key, std::string body) {
  letters_.push_back(
      {.routing_key = std::move(routing_key), .body = std::move(body), .queue = queue});
  queues_[queue].insert(letters_.size() - 1);
  return letters_.size() - 1;
}

void Broker::go_on() {
  if (connections_.empty()) return;
  const auto connection = connections_[fate_.below(connections_.size())];
  switch (fate_.below(3)) {
    case 0:
      hear(*connection, some_tag(connection->heard, connection->settled));
      break;
    case 1:
      if (connection->is_half_open || fate_.strikes(fate_.faults.break_connection)) {
        close(*connection);
      } else {
        connection->known_as_heard = some_tag(connection->known_as_heard, connection->heard);
      }
      break;
    default:
      push(*connection, 1 + fate_.below(prefetch_));
  }
}

void Broker::settle_down() {
  blocked_ = false;
  for (const auto& connection : std::vector(connections_)) {
    if (connection->is_half_open) {
      close(*connection);
    } else {
      hear(*connection, connection->settled);
      connection->known_as_heard = connection->heard;
    }
  }
}

void Broker::restart() {
  fate_.say("the broker is killed and comes back");
  for (std::size_t queue = 0; queue < queues_.size(); ++queue) {
    for (const LetterNumber number : queues_[queue]) letters_[number].delivered = true;
    Connection nobody;
    nobody.number = connected_++;
    nobody.queue = queue;
    watcher_.losing(nobody);
  }
  for (const auto& connection : std::vector(connections_)) close(*connection);
}

bool Broker::is_idle() const {
  return std::all_of(queues_.begin(), queues_.end(),
                     [](const auto& queue) { return queue.empty(); }) &&
         std::all_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return connection->out.empty(); });
}

bool Broker::comes_again(LetterNumber number) const {
  const bool is_out =
      std::any_of(connections_.begin(), connections_.end(), [&](const auto& connection) {
        return !connection->is_half_open &&
               std::any_of(connection->out.begin(), connection->out.end(),
                           [&](const Connection::Out& out) { return out.letter == number; });
      });
  return !letters_[number].done && !is_out;
}

std::shared_ptr<Connection> Broker::connect(std::size_t queue, Tag next_tag) {
  auto connection = std::make_shared<Connection>();
  connection->number = connected_++;
  connection->queue = queue;
  connection->next_tag = next_tag;
  // So that its tags say nothing about which settlements were heard.
  connection->settled = connection->heard = connection->known_as_heard = next_tag - 1;
  connections_.push_back(connection);
  return connection;
}

void Broker::abandon(Connection& connection) {
  if (connection.is_closed) return;
  if (!fate_.strikes(fate_.faults.half_open)) return close(connection);
  if (fate_.is_traced()) fate_.say("  the broker does not notice");
  watcher_.losing(connection);
  connection.is_half_open = true;
  for (const auto& out : connection.out) letters_[out.letter].was_late = true;
}

void Broker::close(Connection& connection) {
  watcher_.losing(connection);
  // What was on its way may still have arrived, up to some point.
  hear(connection, some_tag(connection.heard, connection.settled));
  if (fate_.is_traced()) {
    fate_.say("  closed, and back to queue " + std::to_string(connection.queue) + ": " +
              std::to_string(connection.out.size()));
  }
  for (const auto& out : connection.out) queues_[connection.queue].insert(out.letter);
  connection.out.clear();
  connection.is_closed = true;
  std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
}

bool Broker::is_active(const Connection& connection) const {
  if (!single_active_) return true;
  const auto oldest = std::find_if(connections_.begin(), connections_.end(),
                                   [&](const auto& one) { return one->queue == connection.queue; });
  return oldest != connections_.end() && oldest->get() == &connection;
}

void Broker::push(Connection& connection, std::size_t most) {
  if (!is_active(connection)) return;
  auto& queue = queues_[connection.queue];
  for (; most > 0 && !queue.empty() && connection.out.size() < prefetch_; --most) {
    const LetterNumber number = *queue.begin();
    queue.erase(queue.begin());
    Letter& letter = letters_[number];
    connection.out.push_back({.tag = connection.next_tag++,
                              .letter = number,
                              .redelivered = std::exchange(letter.delivered, true)});
    if (connection.is_half_open) letter.was_late = true;
  }
}

void Broker::settle(Connection& connection, std::span<const Settle> settled) {
  auto out = connection.out.begin();
  for (const auto& [tag, outcome] : settled) {
    while (out != connection.out.end() && (out->settled || out->tag < tag)) {
      if (!out->settled) throw Violation{"settled out of order: tag " + std::to_string(tag)};
      ++out;
    }
    if (out == connection.out.end() || out->tag != tag || !out->received) {
      throw Violation{"settled and not received: tag " + std::to_string(tag)};
    }
    out->settled = true;
    watcher_.settling(out->letter, outcome);
    connection.settled = tag;
  }
  if (!fate_.strikes(fate_.faults.delay_settlement)) hear(connection, connection.settled);
}

void Broker::hear(Connection& connection, Tag up_to) {
  while (!connection.out.empty() && connection.out.front().tag <= up_to) {
    letters_[connection.out.front().letter].done = true;
    connection.out.pop_front();
  }
  connection.heard = up_to;
}

bool Broker::is_recovered(const Connection& connection) const {
  if (connection.recovered) return true;
  // More were never out: the front of the queue is with one at a time. Without a single active
  // consumer it was perhaps with several that have all been lost.
  if (single_active_ && connection.repeats > prefetch_) return true;
  const bool others = std::any_of(connections_.begin(), connections_.end(), [&](const auto& one) {
    return one.get() != &connection && one->queue == connection.queue;
  });
  if (others) return false;
  const auto& queue = queues_[connection.queue];
  return std::none_of(queue.begin(), queue.end(),
                      [this](LetterNumber number) { return letters_[number].delivered; }) &&
         std::none_of(connection.out.begin(), connection.out.end(),
                      [](const Connection::Out& out) { return out.redelivered && !out.received; });
}

// --- Link ---------------------------------------------------------------------------

Link::~Link() {
  if (connection_ != nullptr) broker_.abandon(*connection_);
}

Error Link::give_up(std::string_view why) {
  if (fate_.is_traced()) fate_.say("  connection lost: " + std::string(why));
  next_tag_ = connection_->next_tag;
  broker_.abandon(*connection_);
  connection_.reset();
  return fail(Error::Code::Unavailable, "connection lost: " + std::string(why));
}

Result<> Link::check(std::string_view call) {
  if (connection_ == nullptr) return fail(Error::Code::Unavailable, "not connected");
  if (connection_->is_closed) return give_up("closed by the broker");
  if (fate_.strikes(fate_.faults.break_connection)) return give_up(call);
  return {};
}

Result<std::span<const Delivery>> Link::receive(std::chrono::milliseconds) {
  if (connection_ == nullptr) connection_ = broker_.connect(queue_, next_tag_);
  fate_.step("receive");
  if (auto connected = check("receive"); !connected) return connected.error();
  const bool all = fate_.is_calm();
  broker_.push(*connection_, all ? SIZE_MAX : fate_.below(8));
  std::size_t more = all ? SIZE_MAX : 1 + fate_.below(6);
  batch_.clear();
  letters_.clear();
  for (auto& out : connection_->out) {
    if (out.settled) continue;
    if (!out.received && more-- == 0) break;
    const Letter& letter = broker_.letter(out.letter);
    batch_.push_back({.tag = out.tag,
                      .routing_key = letter.routing_key,
                      .body = letter.body,
                      .redelivered = out.redelivered || out.received});
    letters_.push_back(out.letter);
    if (out.redelivered && !out.received) ++connection_->repeats;
    out.received = true;
    if (fate_.is_traced()) {
      fate_.say("  receives " + std::to_string(out.letter) + " as tag " + std::to_string(out.tag) +
                (batch_.back().redelivered ? " again" : ""));
    }
  }
  connection_->recovered = broker_.is_recovered(*connection_);
  return std::span<const Delivery>(batch_);
}

Result<> Link::publish(std::span<const Publish> publishes) {
  fate_.step("publish");
  if (auto connected = check("publish"); !connected) return connected;
  if (broker_.blocks_publishers()) return give_up("publishers are blocked");
  for (const Publish& one : publishes) {
    fate_.step("publish, one message");
    if (connection_->is_closed || fate_.strikes(fate_.faults.cut_publish)) {
      return give_up("publish, between messages");
    }
    broker_.publish(one);
  }
  fate_.step("confirms");
  if (connection_->is_closed || fate_.strikes(fate_.faults.lose_confirms)) {
    return give_up("confirms");
  }
  return {};
}

Result<> Link::settle(std::span<const Settle> settled) {
  fate_.step("settle");
  // From here on the observer does not know whether the broker hears it.
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const bool is_settled = std::any_of(settled.begin(), settled.end(), [&](const Settle& one) {
      return one.tag == batch_[i].tag;
    });
    if (is_settled) broker_.call_done(letters_[i]);
  }
  if (connection_ != nullptr && connection_->is_closed) broker_.lose(*connection_);
  if (auto connected = check("settle"); !connected) return connected;
  broker_.settle(*connection_, settled);
  fate_.step("settled");
  return {};
}

Tag Link::settled_up_to() const {
  return connection_ == nullptr ? 0 : connection_->known_as_heard;
}

}  // namespace chat21::testing
