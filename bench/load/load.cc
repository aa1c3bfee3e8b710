#include "bench/load/load.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace chat21::bench {
namespace {

// Brokers have short queues of connections that nobody has accepted yet.
constexpr std::size_t kConnectAtOnce = 32;

constexpr std::string_view kNumber = "\"number\":";

std::string group_id(std::size_t group) {
  return fmt::format("group-bench{}", group);
}

}  // namespace

Load::Load(LoadOptions options) : options_(std::move(options)), crowd_(*this) {}

// --- connecting -----------------------------------------------------------------------

void Load::connect(const std::vector<User>& users) {
  users_ = users.size();
  while (crowd_.size() < users.size()) {
    const std::size_t until = std::min(crowd_.size() + kConnectAtOnce, users.size());
    while (crowd_.size() < until) crowd_.add(users[crowd_.size()], options_.port);
    await("subscriptions", ready_, until);
  }
  prepare_senders();
}

void Load::connected(Connection& connection) {
  if (connection.index() >= users_) {
    ++ready_;
    return;
  }
  connection.subscribe(fmt::format("apps/{}/users/{}/#", options_.app, connection.user()),
                       options_.qos);
}

void Load::subscribed(Connection&) {
  ++ready_;
}

void Load::prepare_senders() {
  senders_.resize(std::min(options_.senders, users_));
  const Shape& shape = options_.shape;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    const std::string recipient =
        shape.group_size == 0 ? crowd_[shape.partner(i)].user() : group_id(shape.group(i));
    senders_[i].topic = fmt::format("apps/{}/outgoing/users/{}/messages/{}/outgoing", options_.app,
                                    crowd_[i].user(), recipient);
  }
}

void Load::found_groups(const User& service) {
  const std::size_t size = options_.shape.group_size;
  if (size == 0) return;
  Connection& connection = crowd_.add(service, options_.port);
  await("the service's connection", ready_, users_ + 1);
  const std::string topic = fmt::format("apps/observer/{}/groups/update", options_.app);
  const std::size_t groups = users_ / size;
  for (std::size_t group = 0; group < groups; ++group) {
    std::string members;
    for (std::size_t i = group * size; i < (group + 1) * size; ++i) {
      members += fmt::format("{}\"{}\":1", members.empty() ? "" : ",", crowd_[i].user());
    }
    connection.publish(topic,
                       fmt::format(R"({{"group":{{"uid":"{}","name":"Bench","owner":"{}",)"
                                   R"("members":{{{}}}}},"notify_to":{{{}}}}})",
                                   group_id(group), crowd_[group * size].user(), members, members),
                       1);
  }
  crowd_.touch(connection);
  await("the groups", notices_, groups * size);
}

void Load::await(const std::string& what, std::size_t& counter, std::size_t goal) {
  if (!crowd_.serve([&] { return counter >= goal; },
                    Clock::now() + std::chrono::seconds(options_.patience))) {
    throw Trouble(fmt::format("waited {} s in vain for {}: {} of {}", options_.patience, what,
                              counter, goal));
  }
}

// --- sending --------------------------------------------------------------------------

std::string Load::draft(std::size_t number) const {
  return fmt::format(
      R"({{"number":{},"text":"{:032}","type":"text","recipient_fullname":"Recipient of the bench",)"
      R"("sender_fullname":"Sender of the bench","attributes":{{"projectId":"65c5f5599cf0400012dc58b3",)"
      R"("channel":"web","padding":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}},)"
      R"("metadata":null,"channel_type":"{}"}})",
      number, number, options_.shape.group_size == 0 ? "direct" : "group");
}

void Load::send(std::size_t sender, Clock::time_point due) {
  const std::size_t number = next_number_++;
  ledger_->sent(number, sender, due);
  crowd_[sender].publish(senders_[sender].topic, draft(number), options_.qos);
  crowd_.touch(crowd_[sender]);
  if (options_.qos != 0) ++unacknowledged_;
}

Ledger Load::pace(unsigned rate, std::size_t count, std::size_t warm_up) {
  ledger_.emplace(options_.shape, next_number_, count, warm_up);
  const auto gap = std::chrono::duration_cast<Clock::duration>(std::chrono::seconds(1)) / rate;
  Clock::time_point due = Clock::now() + gap;
  for (std::size_t i = 0; i < count; ++i, due += gap) {
    crowd_.serve([] { return false; }, due);
    send(i % senders_.size(), due);
  }
  wait_for_all();
  return *std::exchange(ledger_, std::nullopt);
}

Ledger Load::flood(std::size_t count) {
  ledger_.emplace(options_.shape, next_number_, count, count);
  flooding_ = true;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    senders_[i].left = count / senders_.size() + (i < count % senders_.size() ? 1 : 0);
    senders_[i].waiting = 0;
    fill_window(i);
  }
  wait_for_all();
  flooding_ = false;
  return *std::exchange(ledger_, std::nullopt);
}

void Load::fill_window(std::size_t sender) {
  Sender& self = senders_[sender];
  for (; self.left > 0 && self.waiting < options_.window; --self.left, ++self.waiting) {
    send(sender, Clock::now());
  }
}

void Load::one_less(std::size_t sender) {
  if (!flooding_) return;
  --senders_[sender].waiting;
  fill_window(sender);
}

void Load::let_finish() {
  answers_ = 0;
  for (std::size_t i = 0; i < crowd_.size(); ++i) {
    crowd_[i].ping();
    crowd_.touch(crowd_[i]);
  }
  await("answers to pings", answers_, crowd_.size());
}

// Gives up when nothing arrives any more.
void Load::wait_for_all() {
  const auto progress = [this] { return ledger_->arrived() + next_number_ - unacknowledged_; };
  const auto done = [this] { return ledger_->missing() == 0 && unacknowledged_ == 0; };
  for (std::size_t before = 0; before != progress();) {
    before = progress();
    if (crowd_.serve(done, Clock::now() + std::chrono::seconds(options_.patience))) return;
  }
}

// --- receiving ------------------------------------------------------------------------

void Load::acknowledged(Connection& connection) {
  if (connection.index() >= users_) return;  // the service's
  --unacknowledged_;
  one_less(connection.index());
}

void Load::answered(Connection&) {
  ++answers_;
}

void Load::message(Connection& connection, std::string_view topic, std::string_view body) {
  if (topic.find("/groups/") != std::string_view::npos) ++notices_;
  if (!ledger_ || !topic.ends_with("/clientadded")) return;
  const std::size_t at = body.find(kNumber);
  if (at == std::string_view::npos) return;
  std::size_t number = 0;
  std::from_chars(body.data() + at + kNumber.size(), body.data() + body.size(), number);
  const auto complete = ledger_->arrived(number, connection.index());
  if (complete && options_.qos == 0) one_less(*complete);
}

}  // namespace chat21::bench
