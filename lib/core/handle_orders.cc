// What services order besides: to forget conversations and messages, to know devices
// and blocks, and to tell when all that came before is done.

#include <array>

#include "lib/core/handlers.h"

namespace chat21 {
namespace {

// `Remove` is RemoveConversations or RemoveMessages.
template <class Remove>
Handled forget(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  Remove remove{.app = handling.topic.app, .conversation = {}};
  auto read = read_text(handling.out.arena, handling.body, "conversation", remove.conversation);
  if (!read.done()) return read;
  auto valid = validate_ids(remove.app, {{"conversation", remove.conversation}});
  if (valid.done()) handling.out.writes.emplace_back(remove);
  return valid;
}

Handled read_instance_id(Handling& handling, const JsonObject& in, std::string_view path,
                         std::string_view& out) {
  if (auto read = read_text(handling.out.arena, in, path, out); !read.done()) return read;
  if (auto valid = validate_instance_id(out); !valid) {
    return {Outcome::InvalidId, valid.error().message};
  }
  return {};
}

// `Change` is SaveBlock or RemoveBlock.
template <class Change>
Handled change_block(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  Arena& arena = handling.out.arena;
  Change change{.app = handling.topic.app, .user = {}, .blocked = {}};
  if (auto read = read_text(arena, handling.body, "user_id", change.user); !read.done()) {
    return read;
  }
  if (auto read = read_text(arena, handling.body, "blocked_id", change.blocked); !read.done()) {
    return read;
  }
  if (change.user == change.blocked) {
    return {Outcome::Malformed, "blocked_id is user_id: nobody blocks himself"};
  }
  auto valid = validate_ids(change.app, {{"user_id", change.user}, {"blocked_id", change.blocked}});
  if (valid.done()) handling.out.writes.emplace_back(change);
  return valid;
}

// Whether a key that ends with it would come back to us: the queue of messages is bound
// to whatever users publish with such an end.
bool is_verb_of_users(std::string_view token) {
  return token == "update" || token == "archive";
}

}  // namespace

Handled handle_conversations_delete(Handling& handling) {
  return forget<RemoveConversations>(handling);
}

Handled handle_messages_delete(Handling& handling) {
  return forget<RemoveMessages>(handling);
}

Handled handle_instance_save(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  JsonObject instance;
  if (auto read = read_object(handling.body, "instance", instance); !read.done()) return read;
  Arena& arena = handling.out.arena;
  SaveInstance save{.app = handling.topic.app, .instance = {}, .user = {}, .body = {}};
  auto read = read_instance_id(handling, instance, "instance.instance_id", save.instance);
  if (!read.done()) return read;
  if (read = read_text(arena, instance, "instance.user_id", save.user); !read.done()) return read;
  if (auto valid = validate_ids(save.app, {{"instance.user_id", save.user}}); !valid.done()) {
    return valid;
  }
  if (read = check_app(instance, "instance.app_id", save.app); !read.done()) return read;
  constexpr std::array<std::string_view, 1> kNotStored = {"_id"};
  save.body = splice(arena, instance, kNotStored, {});
  handling.out.writes.emplace_back(save);
  return {};
}

Handled handle_instance_remove(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  RemoveInstance remove{.app = handling.topic.app, .instance = {}};
  auto read = read_instance_id(handling, handling.body, "instance_id", remove.instance);
  if (read.done()) handling.out.writes.emplace_back(remove);
  return read;
}

Handled handle_block_save(Handling& handling) {
  return change_block<SaveBlock>(handling);
}

Handled handle_block_remove(Handling& handling) {
  return change_block<RemoveBlock>(handling);
}

// Effects are carried out in the order of the deliveries, and publishes after all
// writes: whoever gets this finds done what was sent before it.
Handled handle_fence(Handling& handling) {
  if (auto parsed = parse_body(handling); !parsed.done()) return parsed;
  Arena& arena = handling.out.arena;
  const std::string_view app = handling.topic.app;
  std::string_view inbox;
  std::string_view token;
  if (auto read = read_text(arena, handling.body, "inbox", inbox); !read.done()) return read;
  if (auto read = read_text(arena, handling.body, "token", token); !read.done()) return read;
  if (auto valid = validate_ids(app, {{"inbox", inbox}, {"token", token}}); !valid.done()) {
    return valid;
  }
  if (is_verb_of_users(token)) {
    return {Outcome::InvalidId, "token is a verb of users: the answer would come back"};
  }
  handling.out.publishes.push_back(
      {.routing_key = fence_key(arena, app, inbox, token), .body = "{}"});
  return {};
}

}  // namespace chat21
