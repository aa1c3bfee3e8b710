// The documents of docs/PROTOCOL.md ("Documents"), assembled from what a Store
// keeps: one shared body per message, and thin rows that point to it.
//
// For implementers of Store and History. Pure functions, safe from any thread.
// `body` is a JSON object as in SaveMessage::body; a body that is not one is
// data corruption and gives a document with no fields of the body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/effects.h"

namespace chat21 {

struct StoredCopy {
  std::string_view app, timeline, conversation, message_id;
  Status status = Status::Sent;
  std::string_view body;  // SaveCopy::own_body if there is one, else SaveMessage::body
};

struct StoredConversation {
  StoredCopy last;  // the copy of the last message
  bool is_new = true;
  bool archived = false;
};

// {"_id":…, fields of the body …, "timelineOf":…, "conversWith":…, "status":…}
std::string message_document(const StoredCopy& copy);

// The last message's document (another _id), and "key", "is_new", "archived",
// "last_message_text".
std::string conversation_document(const StoredConversation& conversation);

// {"_id":…, fields of `body`}: for groups and instances. `kind` is "groups" or "instances".
std::string stored_document(std::string_view kind, std::string_view app, std::string_view id,
                            std::string_view body);

// {"number":…, "time":…, "reason":…, "routing_key":…, "body":…}: what was set aside. Texts that
// are not UTF-8 are in "routing_key_base64", "body_base64" instead.
struct StoredAside {
  std::int64_t number = 0;
  Time time{};
  std::string_view reason{}, routing_key{}, body{};
};
std::string set_aside_document(const StoredAside& aside);

// {"user_id":…}: whom a user has blocked.
std::string block_document(std::string_view blocked);

// The members of a group: the keys of the object "members" of its body, sorted, each
// once; none if there is no such object.
std::vector<std::string> group_members(std::string_view body);

}  // namespace chat21
