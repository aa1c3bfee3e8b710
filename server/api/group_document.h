// A group's document: what the API has to know of it, and the text with all the rest,
// which passes through every change as it was written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/delivery.h"
#include "chat21/json.h"
#include "chat21/result.h"

namespace chat21::server {

// Of one group. Every one of its messages is copied for each of them.
inline constexpr std::size_t kMaxMembers = 5000;
// The name goes into every message about the group.
inline constexpr std::size_t kMaxGroupName = 1024;
// Of the document, in bytes. An order has the members twice and may have attributes
// twice, and the observer takes 1 MiB.
inline constexpr std::size_t kMaxGroupBytes = 384U << 10U;

struct Group {
  std::string id, app, name, owner;
  std::vector<std::string> members;  // in the order of the document
  std::int64_t updated_on = 0;       // milliseconds since 1970
  std::string json;                  // the document, without a notification

  bool has(std::string_view user) const;
};

// Error (Corrupt): it is not a group's document.
Result<Group> parse_group(std::string_view document);

// The keys of an object of members. Error (InvalidArgument): it is no object, there are
// too many, or one is no valid id for a member of this group; the message is a sentence
// for the client.
Result<std::vector<std::string>> read_members(std::string_view app, std::string_view group,
                                              std::string_view name, const JsonMember* members);

// Whether the topics of the member's copies can be built. Error as read_members().
Result<> validate_group_member(std::string_view app, std::string_view group,
                               std::string_view member);

// Whether it keeps the limits above. Error as read_members().
Result<> check_limits(const Group& group);

// --- Changes. Those with a time are younger than the group afterwards, never older. ---

Group with_name(const Group& group, std::string_view name, Time now);
Group with_attributes(const Group& group, std::string_view json, Time now);
Group with_members(const Group& group, std::vector<std::string> members, Time now);
Group touched(const Group& group, Time now);  // nothing but the time
// As in the Node server, leaving is no update: the time stays.
Group without_member(const Group& group, std::string_view member);

// The time of a change: now, but not before the last one, which the store would keep.
std::int64_t change_time(const Group& group, Time now);

// {"u100":1,...}
std::string members_object(std::span<const std::string> members);

}  // namespace chat21::server
