#include "tests/api/group_world.h"

namespace chat21::tests {
namespace {

std::string hide_ids(std::string body) {
  constexpr std::string_view kBegin = "\"message_id\":\"";
  for (std::size_t at = body.find(kBegin); at != std::string::npos; at = body.find(kBegin, at)) {
    at += kBegin.size();
    body.replace(at, body.find('"', at) - at, "ID");
  }
  return body;
}

std::string text_in(const rapidjson::Value& object, const char* key) {
  const bool there = object.IsObject() && object.HasMember(key) && object[key].IsString();
  return there ? object[key].GetString() : "";
}

std::string label_in(const rapidjson::Value& object, const char* key) {
  if (!object.HasMember(key) || !object[key].IsObject()) return {};
  const auto& holder = object[key];
  return holder.HasMember("messagelabel") ? text_in(holder["messagelabel"], "key") : "";
}

std::string chapter(const testing::MemoryTransport::Published& published) {
  const auto body = json(std::string_view(published.body));
  if (published.routing_key.find(".groups.") != std::string::npos) {
    const std::string label = label_in(body, "notification");
    return "update " + (label.empty() ? "(no notification)" : label);
  }
  if (text_in(body, "__history") == "true") return "history " + text_in(body, "text");
  const std::string label = label_in(body, "attributes");
  return (label.empty() ? "" : label + ' ') + std::to_string(body["status"].GetInt()) + ' ' +
         text_in(body, "text");
}

}  // namespace

GroupWorld::GroupWorld() {
  settle();
  contacts.known["u300"] = {
      .id = "u300", .fullname = "User Three", .firstname = "User", .lastname = "Three"};
}

std::vector<std::string> GroupWorld::seen(const std::string& user) const {
  std::vector<std::string> lines;
  const std::size_t begin = ("apps.tilechat.users." + user + ".").size();
  for (const auto& published : inbox(user)) {
    lines.push_back(published.routing_key.substr(begin) + ' ' + hide_ids(published.body));
  }
  return lines;
}

std::vector<std::string> GroupWorld::story(const std::string& user) const {
  std::vector<std::string> lines;
  for (const auto& published : inbox(user)) lines.push_back(chapter(published));
  return lines;
}

std::vector<std::string> GroupWorld::taken_keys() const {
  std::vector<std::string> keys;
  for (const auto& message : gateway.taken) keys.push_back(message.routing_key);
  return keys;
}

rapidjson::Document GroupWorld::group(const std::string& id) {
  const auto found = ask("GET", "/tilechat/groups/" + id, as_admin());
  if (found.status == 404) return {};
  EXPECT_EQ(found.status, 200U) << found.body;
  auto answer = json(found);
  rapidjson::Document document;
  document.CopyFrom(answer["result"], document.GetAllocator());
  return document;
}

std::vector<std::string> GroupWorld::members(const std::string& id) {
  std::vector<std::string> ids;
  const auto document = group(id);
  EXPECT_TRUE(document.IsObject()) << id;
  if (!document.IsObject()) return ids;
  for (const auto& member : document["members"].GetObject()) {
    EXPECT_EQ(member.value.GetInt(), 1);
    ids.emplace_back(member.name.GetString());
  }
  return ids;
}

void GroupWorld::renew_group(const std::string& id, const std::string& owner,
                             const std::vector<std::string>& members) {
  ASSERT_TRUE(store.apply(std::vector<Write>{
      RemoveGroup{.app = "tilechat", .group = id, .updated_on = now.time_since_epoch().count()}}));
  know_group(id, owner, members);
}

void GroupWorld::settle() {
  services.group_locks.lock("group-77").settle(true);
}

void GroupWorld::say(const std::string& user, const std::string& id, const std::string& text) {
  send(user, id, R"({"text":")" + text + R"(","channel_type":"group","attributes":null})");
}

}  // namespace chat21::tests
