#include <string>
#include <tuple>

#include "chat21/topic.h"

#include "tests/fuzz/core/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {
namespace {

using Kind = Topic::Kind;

std::string_view build(Arena& arena, const Topic& topic) {
  switch (topic.kind) {
    case Kind::Outgoing:
      return outgoing_key(arena, topic.app, topic.user, topic.conversation, topic.form);
    case Kind::Delivered:
      return delivered_key(arena, topic.app, topic.user, topic.conversation);
    case Kind::Persist:
      return persist_key(arena, topic.app, topic.user, topic.conversation);
    case Kind::Receipt:
      return receipt_key(arena, topic.app, topic.user, topic.conversation, topic.id);
    case Kind::ConversationPatch:
      return conversation_patch_key(arena, topic.app, topic.user, topic.conversation);
    case Kind::Archive:
      return archive_key(arena, topic.app, topic.user, topic.conversation);
    case Kind::Presence:
      return presence_key(arena, topic.app, topic.user, topic.id);
    case Kind::GroupUpdate:
    case Kind::GroupDelete:
    case Kind::ConversationsDelete:
    case Kind::MessagesDelete:
    case Kind::InstanceSave:
    case Kind::InstanceRemove:
    case Kind::BlockSave:
    case Kind::BlockRemove:
    case Kind::Fence:
      return order_key(arena, topic.app, topic.kind);
  }
  return {};
}

// What is published because of it: it fits, it is for inboxes, and it does not come back.
void check_derived(const Topic& topic, std::string_view key) {
  promise(key.size() <= kMaxRoutingKey, "a derived key fits");
  promise(is_from_observer(key), "a derived key is an observer's");
  promise(!is_for_observer(topic.app, key), "a derived key is not for observers");
  promise(!parse_topic(key), "a derived key is no topic");
  promise(app_of(key) == topic.app, "a derived key is of the same app");
}

void check_derived(const Topic& topic) {
  Arena arena;
  constexpr std::string_view kId = "0199c82c-0000-7000-8000-000000000000";
  const auto [app, user, peer] = std::tuple(topic.app, topic.user, topic.conversation);
  check_derived(topic, message_added_key(arena, app, user, peer, topic.form));
  check_derived(topic, message_updated_key(arena, app, user, peer, kId));
  check_derived(topic, conversation_updated_key(arena, app, peer, user));
  check_derived(topic, conversation_deleted_key(arena, app, peer, user));
  check_derived(topic, archived_conversation_added_key(arena, app, user, peer));
  check_derived(topic, group_updated_key(arena, app, user, peer));
}

void check_ids(std::string_view input) {
  if (validate_id("it", input)) {
    promise(input.find_first_of("./+#*%\n") == std::string_view::npos, "an id is one level");
    promise(validate_instance_id(input).has_value() || input.size() > kMaxInstanceId,
            "an id is an instance's id if it is short");
  }
  if (validate_message_id(input)) promise(input.size() <= kMaxMessageId, "message ids are short");
}

}  // namespace

void fuzz_topic(std::string_view input) {
  check_ids(input);
  (void)is_from_observer(input);
  const auto topic = parse_topic(input);
  if (!topic) return;
  Arena arena;
  promise(build(arena, *topic) == input, "a topic is built as it was written");
  if (!validate(*topic)) return;
  promise(app_of(input) == topic->app, "app_of() reads the same app");
  promise(validate_id("app", topic->app).has_value(), "a valid topic has a valid app");
  promise(is_for_observer(topic->app, input), "a valid topic is for the observer");
  promise(!is_for_observer(std::string(topic->app) + "x", input), "it is for no other app's");
  // A client may have any id, also a verb; nothing else is both.
  promise(!is_from_observer(input) || topic->kind == Kind::Presence,
          "a valid topic is no observer's own");
  if (!topic->conversation.empty()) check_derived(*topic);
}

}  // namespace chat21::tests
