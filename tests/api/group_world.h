// The world as people in groups see it: a line for everything that reaches them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/api/world.h"

namespace chat21::tests {

class GroupWorld : public World {
 protected:
  GroupWorld();

  // "messages.group-77.clientadded {…}" for each thing in the inbox, with ID for
  // message ids.
  std::vector<std::string> seen(const std::string& user) const;
  // Shorter: "GROUP_CREATED 150 Group created" for a message, "update MEMBER_LEFT_GROUP"
  // for the group, "history old" for what was said before.
  std::vector<std::string> story(const std::string& user) const;
  // What the broker took, without the observer's work: kinds of orders and messages.
  std::vector<std::string> taken_keys() const;

  // A group's document, as an admin reads it; null if there is none.
  rapidjson::Document group(const std::string& id);
  std::vector<std::string> members(const std::string& id);

  // As know_group(), whatever the group was before.
  void renew_group(const std::string& id, const std::string& owner,
                   const std::vector<std::string>& members);

  // No change of group-77 is on its way, and the API knows it, as after a first change.
  void settle();

  // Said in the group by `user`, some time ago.
  void say(const std::string& user, const std::string& id, const std::string& text);
};

}  // namespace chat21::tests
