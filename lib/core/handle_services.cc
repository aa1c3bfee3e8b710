// What services publish for a user's timeline, under apps.observer: history for a new
// member, copies written by another observer.

#include <algorithm>
#include <array>
#include <cstdint>

#include "lib/core/handlers.h"

namespace chat21 {
namespace {

using Type = JsonMember::Type;

constexpr std::array<std::string_view, 5> kPerCopy = {"_id", "timelineOf", "conversWith", "status",
                                                      "app_id"};

// A message that was stamped before it came to us.
struct StampedElsewhere {
  std::string_view message_id;
  std::string_view stored;  // without what differs per copy
  Status status = Status::Sent;
  Time time{};
  bool updates_conversation = true;
};

bool read_status(const JsonMember* member, Status& status) {
  if (member == nullptr || !member->is(Type::Number)) return false;
  const double number = decode_number(*member);
  for (const Status known :
       {Status::Sent, Status::Delivered, Status::Received, Status::ReturnReceipt}) {
    if (number != static_cast<int>(known)) continue;
    status = known;
    return true;
  }
  return false;
}

Time time_of(const JsonObject& message, std::string_view id, Time now) {
  // Not in the future: no later message could become the last one of its conversation.
  if (const auto time = time_of_message_id(id)) return std::min(*time, now);
  // An id of the Node server has no time in it.
  const JsonMember* timestamp = message.find("timestamp");
  if (timestamp == nullptr || !timestamp->is(Type::Number)) return now;
  const double milliseconds = decode_number(*timestamp);
  const auto now_ms = static_cast<double>(now.time_since_epoch().count());
  if (!(milliseconds >= 0 && milliseconds <= now_ms)) return now;
  return Time(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
}

Handled read_stamped(Handling& handling, StampedElsewhere& message) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  const JsonObject& body = handling.body;
  Arena& arena = handling.out.arena;
  auto read = read_text(arena, body, "message_id", message.message_id);
  if (!read.done()) return read;
  if (auto valid = validate_message_id(message.message_id); !valid) {
    return {Outcome::InvalidId, valid.error().message};
  }
  if (!read_status(body.find("status"), message.status)) {
    return {Outcome::Malformed, "status is none of 100, 150, 200, 250"};
  }
  JsonWriter app;
  app.text("app_id", handling.topic.app);
  message.stored = splice(arena, body, kPerCopy, app.members());
  message.time = time_of(body, message.message_id, handling.now);
  message.updates_conversation = !read_attributes(body).leaves_conversation;
  return {};
}

Copy copy_of(const Handling& handling, const StampedElsewhere& message) {
  return {.app = handling.topic.app,
          .owner = handling.topic.user,
          .conversation = handling.topic.conversation,
          .message_id = message.message_id,
          .status = message.status,
          .own_body = {},
          .updates_conversation = message.updates_conversation,
          .time = message.time};
}

}  // namespace

Handled handle_delivered(Handling& handling) {
  StampedElsewhere message;
  if (auto read = read_stamped(handling, message); !read.done()) return read;
  if (message.status != Status::Delivered) return {Outcome::Malformed, "status is not 150"};
  Copy copy = copy_of(handling, message);
  // Replayed history carries marks (__history) that the original has not.
  copy.own_body = message.stored;
  save_copy(handling.out, copy);
  publish_copy(handling.out, copy,
               message_added_key(handling.out.arena, copy.app, copy.owner, copy.conversation),
               handling.delivery.body);
  return {};
}

Handled handle_persist(Handling& handling) {
  StampedElsewhere message;
  if (auto read = read_stamped(handling, message); !read.done()) return read;
  handling.out.writes.emplace_back(SaveMessage{
      .app = handling.topic.app, .message_id = message.message_id, .body = message.stored});
  save_copy(handling.out, copy_of(handling, message));
  return {};
}

}  // namespace chat21
