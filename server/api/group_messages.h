// What changes of groups publish: orders to the observer, messages of "system" that
// people read, and history for new members. docs/PROTOCOL.md, "Groups".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/delivery.h"

#include "server/api/contacts.h"
#include "server/api/gateway.h"
#include "server/api/group_document.h"

namespace chat21::server {

// What happened, in words that clients translate.
struct MessageLabel {
  std::string_view key;
  std::string parameters = "{}";  // a JSON object
};

MessageLabel group_created(const Group& group);
MessageLabel member_joined(const Contact& member);
MessageLabel member_left(std::string_view member);
MessageLabel group_renamed(const Group& group);
MessageLabel attributes_changed(std::string_view json);
MessageLabel group_deleted();

// The group is new or has changed; those in `notified` are told. The first without a
// notification in the group.
Outgoing group_update(const Group& group, std::span<const std::string> notified);
Outgoing group_update(const Group& group, const MessageLabel& label,
                      std::span<const std::string> notified);
// The group is no more; all its members are told.
Outgoing group_delete(const Group& group, Time now);

// A message to the group, as it is after what came before it in the same queue.
Outgoing info_message(const Group& group, const MessageLabel& label, std::string_view text,
                      Time now);

// A message of the group's timeline for the inbox of somebody who was not there. The
// document is one of History.
std::string as_history(std::string_view document);
Outgoing history_message(const Group& group, std::string_view member, std::string body);

}  // namespace chat21::server
