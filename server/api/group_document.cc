#include "server/api/group_document.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "chat21/topic.h"

#include "server/api/call.h"

namespace chat21::server {
namespace {

using Type = JsonMember::Type;

std::int64_t whole_number(const JsonMember* member) {
  if (member == nullptr || !member->is(Type::Number)) return 0;
  const double number = decode_number(*member);
  constexpr double kMost = 9e15;  // whole numbers are exact in a double up to there
  return std::abs(number) <= kMost ? static_cast<std::int64_t>(number) : 0;
}

std::vector<std::string> keys_of(const JsonObject& object) {
  std::vector<std::string> keys;
  keys.reserve(object.members().size());
  for (const JsonMember& member : object.members()) keys.emplace_back(member.key);
  return keys;
}

// The document with `fields` in place of those it has under the same names.
std::string replace(const std::string& document, std::initializer_list<std::string_view> names,
                    const JsonWriter& fields) {
  JsonObject object;
  // Every Group was parsed before, or written by us.
  if (!object.parse(document)) return document;
  Arena arena;
  return std::string(
      splice(arena, object, std::span(names.begin(), names.size()), fields.members()));
}

}  // namespace

bool Group::has(std::string_view user) const {
  return std::find(members.begin(), members.end(), user) != members.end();
}

Result<Group> parse_group(std::string_view document) {
  JsonObject object;
  if (auto parsed = object.parse(document); !parsed) {
    return fail(Error::Code::Corrupt, "a group's document: " + parsed.error().message);
  }
  Group group;
  group.id = text_of(object, "uid");
  group.app = text_of(object, "appId");
  group.name = text_of(object, "name");
  group.owner = text_of(object, "owner");
  group.updated_on = whole_number(object.find("updatedOn"));
  if (group.id.empty()) return fail(Error::Code::Corrupt, "a group's document has no uid");

  const JsonMember* members = object.find("members");
  JsonObject listed;
  if (members == nullptr || !members->is(Type::Object) || !listed.parse(members->value)) {
    return fail(Error::Code::Corrupt, "group " + group.id + " has no members object");
  }
  group.members = keys_of(listed);
  constexpr std::string_view kNotification = "notification";
  Arena arena;
  group.json = std::string(splice(arena, object, std::span(&kNotification, 1), {}));
  return group;
}

Result<std::vector<std::string>> read_members(std::string_view app, std::string_view group,
                                              std::string_view name, const JsonMember* members) {
  JsonObject listed;
  if (members == nullptr || !members->is(Type::Object) || !listed.parse(members->value)) {
    return fail(Error::Code::InvalidArgument,
                std::string(name) + " must be an object whose keys are user ids");
  }
  for (const JsonMember& member : listed.members()) {
    if (auto valid = validate_group_member(app, group, member.key); !valid) return valid.error();
  }
  return keys_of(listed);
}

Result<> validate_group_member(std::string_view app, std::string_view group,
                               std::string_view member) {
  const Topic copy{.kind = Topic::Kind::Outgoing,
                   .form = Form::Current,
                   .app = app,
                   .user = member,
                   .conversation = group,
                   .id = {}};
  const auto valid = validate(copy);
  if (valid) return {};
  return fail(Error::Code::InvalidArgument, "a member of the group: " + valid.error().message);
}

Result<> check_limits(const Group& group) {
  if (group.members.size() > kMaxMembers) {
    return fail(Error::Code::InvalidArgument,
                "a group has at most " + std::to_string(kMaxMembers) + " members");
  }
  if (group.name.size() > kMaxGroupName) {
    return fail(Error::Code::InvalidArgument,
                "a group's name has at most " + std::to_string(kMaxGroupName) + " bytes");
  }
  if (group.json.size() > kMaxGroupBytes) {
    return fail(Error::Code::InvalidArgument,
                "a group has at most " + std::to_string(kMaxGroupBytes) + " bytes");
  }
  return {};
}

std::int64_t change_time(const Group& group, Time now) {
  return std::max(group.updated_on, std::int64_t{now.time_since_epoch().count()});
}

std::string members_object(std::span<const std::string> members) {
  JsonWriter object;
  for (const std::string& member : members) object.number(member, 1);
  return object.object();
}

Group with_name(const Group& group, std::string_view name, Time now) {
  Group changed = group;
  changed.name = name;
  changed.updated_on = change_time(group, now);
  changed.json =
      replace(group.json, {"name", "updatedOn"},
              JsonWriter().text("name", changed.name).number("updatedOn", changed.updated_on));
  return changed;
}

Group with_attributes(const Group& group, std::string_view json, Time now) {
  Group changed = group;
  changed.updated_on = change_time(group, now);
  changed.json =
      replace(group.json, {"attributes", "updatedOn"},
              JsonWriter().json("attributes", json).number("updatedOn", changed.updated_on));
  return changed;
}

Group with_members(const Group& group, std::vector<std::string> members, Time now) {
  Group changed = group;
  changed.members = std::move(members);
  changed.updated_on = change_time(group, now);
  changed.json = replace(group.json, {"members", "updatedOn"},
                         JsonWriter()
                             .json("members", members_object(changed.members))
                             .number("updatedOn", changed.updated_on));
  return changed;
}

Group touched(const Group& group, Time now) {
  Group changed = group;
  changed.updated_on = change_time(group, now);
  changed.json =
      replace(group.json, {"updatedOn"}, JsonWriter().number("updatedOn", changed.updated_on));
  return changed;
}

Group without_member(const Group& group, std::string_view member) {
  Group changed = group;
  std::erase(changed.members, member);
  changed.json = replace(group.json, {"members"},
                         JsonWriter().json("members", members_object(changed.members)));
  return changed;
}

}  // namespace chat21::server
