#include "lib/testing/simulation/clients.h"

#include <algorithm>
#include <array>
#include <utility>

#include "chat21/attempts.h"

namespace chat21::testing {
namespace {

constexpr std::size_t kUsers = 4;
constexpr std::size_t kGroups = 2;
constexpr std::size_t kRemembered = 30;

}  // namespace

Clients::Clients(Fate& fate, Broker& broker, Judge& judge)
    : fate_(fate), broker_(broker), judge_(judge) {
  for (std::size_t i = 0; i < kUsers; ++i) users_.push_back("u" + std::to_string(i));
}

void Clients::found_groups(MemoryStore& store) {
  for (std::size_t i = 0; i < kGroups; ++i) {
    groups_.push_back({"group-" + std::to_string(i), {users_[0], users_[1], users_[2]}});
    const std::string body = document_of(groups_.back());
    const std::array<Write, 1> writes = {SaveGroup{
        .app = "a", .group = groups_.back().id, .body = body, .updated_on = group_time_++}};
    if (store.apply(writes)) judge_.applied(writes);
  }
}

void Clients::receive(Received received) {
  if (received_.size() == kRemembered) received_.erase(received_.begin());
  received_.push_back(std::move(received));
}

void Clients::go_on() {
  const std::size_t what = fate_.below(100);
  if (what < 60) return send();
  if (what < 68) return send_again();
  if (what < 84) return send_receipt();
  if (what < 91) return read_or_archive();
  if (what < 97) return change_group();
  say_presence();
}

// Both sides of a conversation, and what a group says and is told, are in one queue.
std::size_t Clients::queue_of(const std::string& user, const std::string& other) const {
  const bool is_group = other.starts_with("group-");
  const auto& [first, second] = std::minmax(user, other);
  return (is_group ? fingerprint(other, other) : fingerprint(first, second)) % broker_.queues();
}

bool Clients::publish(const std::string& routing_key, const std::string& body, std::size_t queue,
                      LetterNumber* letter) {
  if (broker_.blocks_publishers() || fate_.strikes(fate_.faults.lose_sending)) return false;
  const LetterNumber number = broker_.accept(queue, routing_key, body);
  if (letter != nullptr) *letter = number;
  if (fate_.is_traced()) {
    fate_.say(std::to_string(number) + " in queue " + std::to_string(queue) + ": " + routing_key +
              " " + body);
  }
  return true;
}

void Clients::send() {
  Judge::Draft draft;
  draft.sender = some_user();
  draft.recipient = some_user();
  const std::size_t kind = fate_.below(10);
  std::string own_id;
  if (kind < 3) {
    draft.recipient = groups_[fate_.below(groups_.size())].id;
  } else if (kind < 6) {
    draft.sender = users_[0];
    draft.recipient = users_[1 + fate_.below(2)];
  }
  if (fate_.chance(2500)) {
    draft.is_repeatable = true;
    draft.text = "again " + draft.sender + " " + draft.recipient;
  } else {
    draft.text = "text " + std::to_string(texts_++);
    draft.has_own_id = fate_.chance(2000);
    if (draft.has_own_id) own_id = R"(,"client_message_id":"c)" + std::to_string(texts_) + '"';
  }
  const std::string body = R"({"text":")" + draft.text + '"' + own_id + '}';
  offer({std::move(draft), body});
}

void Clients::send_again() {
  if (unacknowledged_.empty()) return;
  const std::size_t at = fate_.below(unacknowledged_.size());
  const Sending sending = unacknowledged_[at];
  unacknowledged_.erase(unacknowledged_.begin() + static_cast<std::ptrdiff_t>(at));
  offer(sending);
}

void Clients::offer(const Sending& sending) {
  const Judge::Draft& draft = sending.draft;
  LetterNumber letter = 0;
  const bool is_accepted = publish(
      "apps.a.outgoing.users." + draft.sender + ".messages." + draft.recipient + ".outgoing",
      sending.body, queue_of(draft.sender, draft.recipient), &letter);
  if (is_accepted) judge_.accepted(letter, draft);
  const bool is_acknowledged = is_accepted && !fate_.strikes(fate_.faults.lose_puback);
  if (!is_acknowledged && draft.has_own_id) unacknowledged_.push_back(sending);
}

// Also of what one has sent oneself, and of what one has received before.
void Clients::send_receipt() {
  if (received_.empty()) return;
  const Received& one = received_[fate_.below(received_.size())];
  if (one.owner == one.conversation && one.owner.starts_with("group-")) return;  // nobody's
  publish("apps.a.users." + one.owner + ".messages." + one.conversation + '.' + one.message_id +
              ".update",
          R"({"status":200})", fate_.below(broker_.queues()));
}

void Clients::read_or_archive() {
  if (received_.empty()) return;
  const Received& one = received_[fate_.below(received_.size())];
  const std::string conversation =
      "apps.a.users." + one.owner + ".conversations." + one.conversation;
  if (fate_.chance(7000)) {
    publish(conversation + ".update", R"({"is_new":false})", fate_.below(broker_.queues()));
  } else {
    publish(conversation + ".archive", "{}", fate_.below(broker_.queues()));
  }
}

void Clients::change_group() {
  Group& group = groups_[fate_.below(groups_.size())];
  const std::string& user = some_user();
  const auto member = std::find(group.members.begin(), group.members.end(), user);
  if (member == group.members.end()) {
    group.members.push_back(user);
  } else if (group.members.size() > 1) {
    group.members.erase(member);
  }
  announce(group);
}

std::string Clients::members_of(const Group& group) {
  std::string members;
  for (const std::string& member : group.members) {
    members.append(members.empty() ? "{\"" : ",\"").append(member).append("\":1");
  }
  return members + '}';
}

std::string Clients::document_of(const Group& group) const {
  return R"({"uid":")" + group.id + R"(","members":)" + members_of(group) + R"(,"updatedOn":)" +
         std::to_string(group_time_) + '}';
}

// Services hold on to what they have to say until the broker has it.
void Clients::announce(const Group& group) {
  ++group_time_;
  const std::string body =
      R"({"group":)" + document_of(group) + R"(,"notify_to":)" + members_of(group) + '}';
  const std::size_t queue = queue_of(group.id, group.id);
  const LetterNumber number = broker_.accept(queue, "apps.observer.a.groups.update", body);
  if (fate_.is_traced()) {
    fate_.say(std::to_string(number) + " in queue " + std::to_string(queue) + ": " + body);
  }
}

void Clients::say_presence() {
  publish("apps.a.users." + some_user() + ".presence.phone", R"({"connected":true})",
          fate_.below(broker_.queues()));
}

}  // namespace chat21::testing
