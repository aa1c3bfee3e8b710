// The words in which tests tell stories about a Store: who has which message, and
// what is shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/arena.h"
#include "chat21/document.h"
#include "chat21/effects.h"
#include "chat21/json.h"
#include "chat21/store.h"

namespace chat21::contract {

// Where a copy is: in whose timeline, in the conversation with whom.
struct Place {
  std::string_view timeline, conversation;
  std::string_view app = "tilechat";
};

inline constexpr Place kAda{"ada", "bob"};  // Ada's side of the conversation with Bob
inline constexpr Place kBob{"bob", "ada"};

inline Time at(std::int64_t milliseconds) {
  return Time(std::chrono::milliseconds(milliseconds));
}

using Writes = std::vector<Write>;

inline Writes all(std::initializer_list<Writes> parts) {
  Writes joined;
  for (const Writes& part : parts) joined.insert(joined.end(), part.begin(), part.end());
  return joined;
}

// Writes are made of views; what tests compute for them lives in here.
class Words {
 public:
  std::string_view keep(std::string_view text) { return arena_.join({text}); }

  // What the message `id` says, if the test does not care.
  std::string_view body_of(std::string_view id) {
    return arena_.join({R"({"message_id":")", id, R"(","text":"text of )", id, R"("})"});
  }

  Write message(std::string_view id, std::string_view app = kAda.app) {
    return SaveMessage{app, id, body_of(id)};
  }

  // The same, as its sender knows it by an id.
  Write sent(std::string_view id, std::string_view sender, std::string_view client_message_id,
             std::string_view app = kAda.app) {
    return SaveMessage{app, id, body_of(id), sender, client_message_id};
  }

  // A message arrives in one timeline, at `time`.
  Writes delivery(const Place& place, std::string_view id, Status status, std::int64_t time) {
    return {message(id, place.app),
            SaveCopy{place.app, place.timeline, place.conversation, id, status, {}},
            SaveLastMessage{place.app, place.timeline, place.conversation, id, at(time)}};
  }

  // Ada writes to Bob: both have it, as the Router does it for a direct message.
  Writes direct(std::string_view id, std::int64_t time) {
    return all(
        {delivery(kAda, id, Status::Sent, time), delivery(kBob, id, Status::Delivered, time)});
  }

  // The document of a copy, or of a conversation with this last message.
  std::string shown(const Place& place, std::string_view id, Status status) {
    return message_document(stored(place, id, status));
  }
  std::string shown(const Place& place, std::string_view last_id, Status status, bool is_new,
                    bool archived) {
    return conversation_document(
        {.last = stored(place, last_id, status), .is_new = is_new, .archived = archived});
  }

 private:
  StoredCopy stored(const Place& place, std::string_view id, Status status) {
    return {place.app, place.timeline, place.conversation, id, status, body_of(id)};
  }

  Arena arena_;
};

inline constexpr bool kNew = true;
inline constexpr bool kRead = false;
inline constexpr bool kArchived = true;
inline constexpr bool kActive = false;

inline Write copy(const Place& place, std::string_view id, Status status,
                  std::string_view own_body = {}) {
  return SaveCopy{place.app, place.timeline, place.conversation, id, status, own_body};
}

inline Write last(const Place& place, std::string_view id, std::int64_t time) {
  return SaveLastMessage{place.app, place.timeline, place.conversation, id, at(time)};
}

inline Write raise(const Place& place, std::string_view id, Status status) {
  return RaiseStatus{place.app, place.timeline, place.conversation, id, status};
}

inline Write patch(const Place& place, std::optional<bool> is_new, std::optional<bool> archived) {
  return PatchConversation{place.app, place.timeline, place.conversation, is_new, archived};
}

// The body of a group that has these members.
inline std::string group_body(std::initializer_list<std::string_view> members) {
  JsonWriter listed;
  for (const std::string_view member : members) listed.number(member, 1);
  return JsonWriter().json("members", listed.object()).object();
}

inline Record conversation_at(const Place& place) {
  return Record::of_conversation(place.app, place.timeline, place.conversation);
}

inline Record copy_at(const Place& place, std::string_view id) {
  return Record::copy(place.app, place.timeline, place.conversation, id);
}

}  // namespace chat21::contract
