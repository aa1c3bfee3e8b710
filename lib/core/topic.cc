#include "chat21/topic.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>

#include "lib/core/text.h"

namespace chat21 {
namespace {

// The levels of a routing key; none that the protocol knows has more.
struct Levels {
  static constexpr std::size_t kMost = 9;
  std::array<std::string_view, kMost> level;
  std::size_t count = 0;  // kMost + 1: more than that
};

Levels split(std::string_view key) {
  Levels levels;
  while (true) {
    if (levels.count == Levels::kMost) {
      ++levels.count;
      return levels;
    }
    const std::size_t dot = key.find('.');
    levels.level[levels.count++] = key.substr(0, dot);
    if (dot == std::string_view::npos) return levels;
    key.remove_prefix(dot + 1);
  }
}

// A pattern is the levels of a key; a level in braces names what stands there.
// Of several patterns that match the first one counts.
struct Pattern {
  std::string_view text;
  Topic::Kind kind;
  Form form = Form::Current;
};

constexpr std::array kPatterns = {
    Pattern{"apps.{app}.outgoing.users.{user}.messages.{conversation}.outgoing",
            Topic::Kind::Outgoing},
    Pattern{"apps.{app}.users.{user}.messages.{conversation}.outgoing", Topic::Kind::Outgoing,
            Form::Legacy},
    Pattern{"apps.{app}.users.{user}.{conversation}.messages.outgoing", Topic::Kind::Outgoing,
            Form::Readme},
    Pattern{".apps.{app}.users.{user}.{conversation}.messages.outgoing", Topic::Kind::Outgoing,
            Form::ReadmeSlash},
    Pattern{"apps.{app}.users.{user}.messages.{conversation}.{id}.update", Topic::Kind::Receipt},
    Pattern{"apps.{app}.users.{user}.presence.{id}", Topic::Kind::Presence},
    Pattern{"apps.{app}.users.{user}.conversations.{conversation}.update",
            Topic::Kind::ConversationPatch},
    Pattern{"apps.{app}.users.{user}.conversations.{conversation}.archive", Topic::Kind::Archive},
    Pattern{"apps.observer.{app}.users.{user}.messages.{conversation}.delivered",
            Topic::Kind::Delivered},
    Pattern{"apps.observer.{app}.users.{user}.messages.{conversation}.persist",
            Topic::Kind::Persist},
    Pattern{"apps.observer.{app}.groups.update", Topic::Kind::GroupUpdate},
    Pattern{"apps.observer.{app}.groups.delete", Topic::Kind::GroupDelete},
    Pattern{"apps.observer.{app}.conversations.delete", Topic::Kind::ConversationsDelete},
    Pattern{"apps.observer.{app}.messages.delete", Topic::Kind::MessagesDelete},
    Pattern{"apps.observer.{app}.instances.save", Topic::Kind::InstanceSave},
    Pattern{"apps.observer.{app}.instances.remove", Topic::Kind::InstanceRemove},
    Pattern{"apps.observer.{app}.blocks.save", Topic::Kind::BlockSave},
    Pattern{"apps.observer.{app}.blocks.remove", Topic::Kind::BlockRemove},
    Pattern{"apps.observer.{app}.api.fence", Topic::Kind::Fence},
};

bool is_order(Topic::Kind kind) {
  return kind >= Topic::Kind::GroupUpdate;
}

void set(Topic& topic, std::string_view name, std::string_view value) {
  if (name == "{app}") topic.app = value;
  if (name == "{user}") topic.user = value;
  if (name == "{conversation}") topic.conversation = value;
  if (name == "{id}") topic.id = value;
}

struct CompiledPattern {
  Levels levels;
  const Pattern* pattern;
};

const std::array<CompiledPattern, kPatterns.size()>& compiled_patterns() {
  static const auto kCompiled = [] {
    std::array<CompiledPattern, kPatterns.size()> compiled{};
    for (std::size_t i = 0; i < kPatterns.size(); ++i) {
      compiled[i] = {split(kPatterns[i].text), &kPatterns[i]};
    }
    return compiled;
  }();
  return kCompiled;
}

bool matches(const Levels& pattern, const Levels& key) {
  if (pattern.count != key.count) return false;
  for (std::size_t i = 0; i < key.count; ++i) {
    const std::string_view wanted = pattern.level[i];
    if (!wanted.starts_with('{') && wanted != key.level[i]) return false;
  }
  return true;
}

Error invalid(std::string_view what, std::string_view why) {
  std::string message(what);
  message += ' ';
  message += why;
  return fail(Error::Code::InvalidArgument, std::move(message));
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// C1 controls, U+0080 to U+009F, are C2 80 to C2 9F in UTF-8.
bool has_c1_control(std::string_view id) {
  for (std::size_t i = 0; i + 1 < id.size(); ++i) {
    if (id[i] == '\xC2' && static_cast<unsigned char>(id[i + 1]) < 0xA0) return true;
  }
  return false;
}

Result<> validate_text(std::string_view what, std::string_view id) {
  if (std::any_of(id.begin(), id.end(), is_control) || has_c1_control(id)) {
    return invalid(what, "contains a control character");
  }
  if (!is_utf8(id)) return invalid(what, "is not valid UTF-8");
  return {};
}

Result<> validate_size(std::string_view what, std::size_t size, std::size_t most) {
  if (size <= most) return {};
  return invalid(what, "has " + std::to_string(size) + " bytes, more than " + std::to_string(most));
}

constexpr std::string_view kApps = "apps.";
constexpr std::string_view kUsers = "users.";

// What follows {prefix}{app}. in the key.
std::optional<std::string_view> below(std::string_view key, std::string_view prefix,
                                      std::string_view app) {
  if (!key.starts_with(prefix)) return std::nullopt;
  key.remove_prefix(prefix.size());
  if (!key.starts_with(app)) return std::nullopt;
  key.remove_prefix(app.size());
  if (!key.starts_with('.')) return std::nullopt;
  return key.substr(1);
}

std::string_view last_level(std::string_view key) {
  return key.substr(key.rfind('.') + 1);  // npos + 1 is 0
}

// Whether the observer takes apps.observer.{app}.{end}.
bool is_order_end(std::string_view end) {
  const Levels level = split(end);
  return level.count == 2 ||
         (level.count == 5 && level.level[0] == "users" && level.level[2] == "messages" &&
          (level.level[4] == "delivered" || level.level[4] == "persist"));
}

// Whether what follows "users." is {me}.{to}.messages.outgoing.
bool is_readme_end(const Levels& end) {
  return end.count == 4 && end.level[2] == "messages" && end.level[3] == "outgoing";
}

// Whether the observer takes apps.{app}.users.{end}.
bool is_user_end(std::string_view end) {
  const std::string_view verb = last_level(end);
  if (verb == "update" || verb == "archive") return true;
  const Levels level = split(end);
  if (level.count == 3) return level.level[1] == "presence";
  return is_readme_end(level) ||
         (level.count == 4 && level.level[1] == "messages" && level.level[3] == "outgoing");
}

}  // namespace

std::optional<Topic> parse_topic(std::string_view routing_key) {
  const Levels key = split(routing_key);
  if (key.count > Levels::kMost) return std::nullopt;
  for (const CompiledPattern& candidate : compiled_patterns()) {
    if (!matches(candidate.levels, key)) continue;
    Topic topic{.kind = candidate.pattern->kind,
                .form = candidate.pattern->form,
                .app = {},
                .user = {},
                .conversation = {},
                .id = {}};
    for (std::size_t i = 0; i < key.count; ++i) {
      set(topic, candidate.levels.level[i], key.level[i]);
    }
    return topic;
  }
  return std::nullopt;
}

Result<> validate_id(std::string_view what, std::string_view id) {
  if (id.empty()) return invalid(what, "is empty");
  if (id.front() == '$') return invalid(what, "begins with $");
  const std::size_t forbidden = id.find_first_of("./+#*%");
  if (forbidden != std::string_view::npos) {
    return invalid(what, std::string("contains ") + id[forbidden]);
  }
  return validate_text(what, id);
}

Result<> validate_message_id(std::string_view id) {
  if (auto valid = validate_id("message id", id); !valid) return valid;
  return validate_size("message id", id.size(), kMaxMessageId);
}

Result<> validate_instance_id(std::string_view id) {
  if (id.empty()) return invalid("instance id", "is empty");
  if (auto valid = validate_size("instance id", id.size(), kMaxInstanceId); !valid) return valid;
  return validate_text("instance id", id);
}

Result<> validate_client_message_id(std::string_view written) {
  if (written.empty()) return invalid("client_message_id", "is empty");
  return validate_size("client_message_id", written.size(), kMaxClientMessageId);
}

Result<> validate(const Topic& topic) {
  if (auto valid = validate_id("app", topic.app); !valid) return valid;
  if (topic.app == "observer") return invalid("app", "is observer, which the services' keys use");
  if (is_order(topic.kind)) return {};
  if (auto valid = validate_id("user", topic.user); !valid) return valid;
  if (topic.kind == Topic::Kind::Presence) return validate_id("client", topic.id);
  if (auto valid = validate_id("recipient or conversation", topic.conversation); !valid) {
    return valid;
  }
  if (topic.kind == Topic::Kind::Receipt) {
    if (auto valid = validate_message_id(topic.id); !valid) return valid;
  }
  const std::size_t total = topic.app.size() + topic.user.size() + topic.conversation.size();
  if (total > kMaxIds) {
    return invalid(
        "app, user and recipient",
        "have " + std::to_string(total) + " bytes together, more than " + std::to_string(kMaxIds));
  }
  return {};
}

std::string_view app_of(std::string_view routing_key) {
  const Levels key = split(routing_key);
  const std::size_t first = key.level[0].empty() ? 1 : 0;
  if (key.count < first + 2 || key.level[first] != "apps") return {};
  if (key.level[first + 1] != "observer") return key.level[first + 1];
  return key.count > first + 2 ? key.level[first + 2] : std::string_view();
}

bool is_for_observer(std::string_view app, std::string_view routing_key) {
  if (const auto order = below(routing_key, "apps.observer.", app)) return is_order_end(*order);
  if (const auto inside = below(routing_key, "apps.", app)) {
    if (inside->starts_with(kUsers)) return is_user_end(inside->substr(kUsers.size()));
    const Levels level = split(*inside);
    return level.count == 6 && level.level[0] == "outgoing" && level.level[1] == "users" &&
           level.level[3] == "messages" && level.level[5] == "outgoing";
  }
  const auto slash = below(routing_key, ".apps.", app);
  return slash && slash->starts_with(kUsers) && is_readme_end(split(slash->substr(kUsers.size())));
}

bool is_from_observer(std::string_view routing_key) {
  if (routing_key.starts_with("observer.rejected.")) return true;
  if (routing_key.starts_with('.')) routing_key.remove_prefix(1);
  if (!routing_key.starts_with(kApps)) return false;
  const std::size_t app_end = routing_key.find('.', kApps.size());
  if (app_end == std::string_view::npos) return false;
  routing_key.remove_prefix(app_end + 1);
  if (!routing_key.starts_with(kUsers)) return false;
  routing_key.remove_prefix(kUsers.size());
  const std::string_view verb = last_level(routing_key);
  if (verb == "clientadded" || verb == "clientupdated" || verb == "clientdeleted") return true;
  const Levels level = split(routing_key);
  return level.count == 3 && level.level[1] == "fence";
}

bool is_group_id(std::string_view id) {
  return id.find("group-") != std::string_view::npos;
}

std::string_view outgoing_key(Arena& arena, std::string_view app, std::string_view sender,
                              std::string_view recipient, Form form) {
  switch (form) {
    case Form::Current:
      return arena.join(
          {"apps.", app, ".outgoing.users.", sender, ".messages.", recipient, ".outgoing"});
    case Form::Legacy:
      return arena.join({"apps.", app, ".users.", sender, ".messages.", recipient, ".outgoing"});
    case Form::Readme:
      return arena.join({"apps.", app, ".users.", sender, ".", recipient, ".messages.outgoing"});
    case Form::ReadmeSlash:
      return arena.join({".apps.", app, ".users.", sender, ".", recipient, ".messages.outgoing"});
  }
  return {};
}

std::string_view message_added_key(Arena& arena, std::string_view app, std::string_view owner,
                                   std::string_view conversation, Form form) {
  switch (form) {
    case Form::Current:
    case Form::Legacy:
      return arena.join(
          {"apps.", app, ".users.", owner, ".messages.", conversation, ".clientadded"});
    case Form::Readme:
      return arena.join(
          {"apps.", app, ".users.", owner, ".", conversation, ".messages.clientadded"});
    case Form::ReadmeSlash:
      return arena.join(
          {".apps.", app, ".users.", owner, ".", conversation, ".messages.clientadded"});
  }
  return {};
}

std::string_view message_updated_key(Arena& arena, std::string_view app, std::string_view owner,
                                     std::string_view conversation, std::string_view message_id) {
  return arena.join({"apps.", app, ".users.", owner, ".messages.", conversation, ".", message_id,
                     ".clientupdated"});
}

std::string_view conversation_updated_key(Arena& arena, std::string_view app,
                                          std::string_view owner, std::string_view conversation) {
  return arena.join(
      {"apps.", app, ".users.", owner, ".conversations.", conversation, ".clientupdated"});
}

std::string_view conversation_deleted_key(Arena& arena, std::string_view app,
                                          std::string_view owner, std::string_view conversation) {
  return arena.join(
      {"apps.", app, ".users.", owner, ".conversations.", conversation, ".clientdeleted"});
}

std::string_view archived_conversation_added_key(Arena& arena, std::string_view app,
                                                 std::string_view owner,
                                                 std::string_view conversation) {
  return arena.join(
      {"apps.", app, ".users.", owner, ".archived_conversations.", conversation, ".clientadded"});
}

std::string_view group_updated_key(Arena& arena, std::string_view app, std::string_view member,
                                   std::string_view group) {
  return arena.join({"apps.", app, ".users.", member, ".groups.", group, ".clientupdated"});
}

std::string_view rejected_key(Arena& arena, std::string_view app) {
  return arena.join({"observer.rejected.apps.", app});
}

std::string_view archive_key(Arena& arena, std::string_view app, std::string_view user,
                             std::string_view conversation) {
  return arena.join({"apps.", app, ".users.", user, ".conversations.", conversation, ".archive"});
}

std::string_view delivered_key(Arena& arena, std::string_view app, std::string_view owner,
                               std::string_view conversation) {
  return arena.join(
      {"apps.observer.", app, ".users.", owner, ".messages.", conversation, ".delivered"});
}

std::string_view persist_key(Arena& arena, std::string_view app, std::string_view owner,
                             std::string_view conversation) {
  return arena.join(
      {"apps.observer.", app, ".users.", owner, ".messages.", conversation, ".persist"});
}

std::string_view receipt_key(Arena& arena, std::string_view app, std::string_view user,
                             std::string_view conversation, std::string_view message_id) {
  return arena.join(
      {"apps.", app, ".users.", user, ".messages.", conversation, ".", message_id, ".update"});
}

std::string_view conversation_patch_key(Arena& arena, std::string_view app, std::string_view user,
                                        std::string_view conversation) {
  return arena.join({"apps.", app, ".users.", user, ".conversations.", conversation, ".update"});
}

std::string_view presence_key(Arena& arena, std::string_view app, std::string_view user,
                              std::string_view client) {
  return arena.join({"apps.", app, ".users.", user, ".presence.", client});
}

std::string_view order_key(Arena& arena, std::string_view app, Topic::Kind kind) {
  assert(is_order(kind) && "only orders of services have a key with nothing but the app");
  constexpr std::string_view kCommon = "apps.observer.{app}";
  const auto* pattern = std::find_if(kPatterns.begin(), kPatterns.end(),
                                     [&](const Pattern& each) { return each.kind == kind; });
  return arena.join({"apps.observer.", app, pattern->text.substr(kCommon.size())});
}

std::string_view fence_key(Arena& arena, std::string_view app, std::string_view inbox,
                           std::string_view token) {
  return arena.join({"apps.", app, ".users.", inbox, ".fence.", token});
}

}  // namespace chat21
