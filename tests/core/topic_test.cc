#include "chat21/topic.h"

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace chat21 {
namespace {

using Kind = Topic::Kind;

TEST(Topic, ParsesEveryKeyThatItBuilds) {
  Arena arena;
  struct Case {
    std::string_view key;
    Topic topic;
  };
  for (const Case& one : {
           Case{outgoing_key(arena, "a", "me", "to"),
                {Kind::Outgoing, Form::Current, "a", "me", "to", {}}},
           Case{outgoing_key(arena, "a", "me", "to", Form::Legacy),
                {Kind::Outgoing, Form::Legacy, "a", "me", "to", {}}},
           Case{outgoing_key(arena, "a", "me", "to", Form::Readme),
                {Kind::Outgoing, Form::Readme, "a", "me", "to", {}}},
           Case{outgoing_key(arena, "a", "me", "to", Form::ReadmeSlash),
                {Kind::Outgoing, Form::ReadmeSlash, "a", "me", "to", {}}},
           Case{delivered_key(arena, "a", "me", "to"),
                {Kind::Delivered, Form::Current, "a", "me", "to", {}}},
           Case{persist_key(arena, "a", "me", "to"),
                {Kind::Persist, Form::Current, "a", "me", "to", {}}},
           Case{receipt_key(arena, "a", "me", "to", "m1"),
                {Kind::Receipt, Form::Current, "a", "me", "to", "m1"}},
           Case{conversation_patch_key(arena, "a", "me", "to"),
                {Kind::ConversationPatch, Form::Current, "a", "me", "to", {}}},
           Case{archive_key(arena, "a", "me", "to"),
                {Kind::Archive, Form::Current, "a", "me", "to", {}}},
           Case{presence_key(arena, "a", "me", "c1"),
                {Kind::Presence, Form::Current, "a", "me", {}, "c1"}},
       }) {
    const auto topic = parse_topic(one.key);
    ASSERT_TRUE(topic) << one.key;
    EXPECT_EQ(*topic, one.topic) << one.key;
    EXPECT_TRUE(validate(*topic)) << one.key;
    EXPECT_EQ(app_of(one.key), "a") << one.key;
  }
}

struct Order {
  Kind kind;
  std::string_view key;
};
constexpr std::array kOrders = {
    Order{Kind::GroupUpdate, "apps.observer.tilechat.groups.update"},
    Order{Kind::GroupDelete, "apps.observer.tilechat.groups.delete"},
    Order{Kind::ConversationsDelete, "apps.observer.tilechat.conversations.delete"},
    Order{Kind::MessagesDelete, "apps.observer.tilechat.messages.delete"},
    Order{Kind::InstanceSave, "apps.observer.tilechat.instances.save"},
    Order{Kind::InstanceRemove, "apps.observer.tilechat.instances.remove"},
    Order{Kind::BlockSave, "apps.observer.tilechat.blocks.save"},
    Order{Kind::BlockRemove, "apps.observer.tilechat.blocks.remove"},
    Order{Kind::Fence, "apps.observer.tilechat.api.fence"},
};

TEST(Topic, KnowsEveryOrderOfServicesByItsKey) {
  Arena arena;
  for (const auto& [kind, key] : kOrders) {
    EXPECT_EQ(order_key(arena, "tilechat", kind), key);
    const auto topic = parse_topic(key);
    ASSERT_TRUE(topic) << key;
    EXPECT_EQ(*topic, (Topic{kind, Form::Current, "tilechat", {}, {}, {}}));
    EXPECT_TRUE(validate(*topic)) << key;
    EXPECT_EQ(app_of(key), "tilechat");
  }
}

TEST(Topic, TakesAnOrderForNoAppButAValidOne) {
  Arena arena;
  for (const Order& order : kOrders) {
    for (const std::string_view app : {"", "observer", "a#", "$a", "\xFF"}) {
      const auto topic = parse_topic(order_key(arena, app, order.kind));
      ASSERT_TRUE(topic) << order.key;
      EXPECT_FALSE(validate(*topic)) << order.key << " for " << app;
    }
  }
}

TEST(Topic, TakesNoOrderOfAUser) {
  Arena arena;
  for (const Order& order : kOrders) {
    const std::string_view verb = order.key.substr(order.key.find("tilechat"));
    for (const std::string_view above : {"apps.", "apps.tilechat.users.me.", "apps.observer.x."}) {
      const std::string_view key = arena.join({above, verb});
      EXPECT_FALSE(parse_topic(key)) << key;
    }
  }
}

// The catalogue of docs/PROTOCOL.md, letter for letter.
TEST(Topic, BuildsTheKeysOfTheCatalogue) {
  Arena arena;
  EXPECT_EQ(outgoing_key(arena, "tilechat", "me", "to"),
            "apps.tilechat.outgoing.users.me.messages.to.outgoing");
  EXPECT_EQ(message_added_key(arena, "tilechat", "me", "to"),
            "apps.tilechat.users.me.messages.to.clientadded");
  EXPECT_EQ(message_added_key(arena, "tilechat", "me", "to", Form::Readme),
            "apps.tilechat.users.me.to.messages.clientadded");
  EXPECT_EQ(message_added_key(arena, "tilechat", "me", "to", Form::ReadmeSlash),
            ".apps.tilechat.users.me.to.messages.clientadded");
  EXPECT_EQ(message_updated_key(arena, "tilechat", "me", "to", "m1"),
            "apps.tilechat.users.me.messages.to.m1.clientupdated");
  EXPECT_EQ(receipt_key(arena, "tilechat", "me", "to", "m1"),
            "apps.tilechat.users.me.messages.to.m1.update");
  EXPECT_EQ(conversation_patch_key(arena, "tilechat", "me", "to"),
            "apps.tilechat.users.me.conversations.to.update");
  EXPECT_EQ(conversation_updated_key(arena, "tilechat", "me", "to"),
            "apps.tilechat.users.me.conversations.to.clientupdated");
  EXPECT_EQ(conversation_deleted_key(arena, "tilechat", "me", "to"),
            "apps.tilechat.users.me.conversations.to.clientdeleted");
  EXPECT_EQ(archived_conversation_added_key(arena, "tilechat", "me", "to"),
            "apps.tilechat.users.me.archived_conversations.to.clientadded");
  EXPECT_EQ(archive_key(arena, "tilechat", "me", "to"),
            "apps.tilechat.users.me.conversations.to.archive");
  EXPECT_EQ(presence_key(arena, "tilechat", "me", "c1"), "apps.tilechat.users.me.presence.c1");
  EXPECT_EQ(persist_key(arena, "tilechat", "me", "to"),
            "apps.observer.tilechat.users.me.messages.to.persist");
  EXPECT_EQ(delivered_key(arena, "tilechat", "me", "to"),
            "apps.observer.tilechat.users.me.messages.to.delivered");
  EXPECT_EQ(fence_key(arena, "tilechat", "api-1", "t1"), "apps.tilechat.users.api-1.fence.t1");
  EXPECT_EQ(group_updated_key(arena, "tilechat", "me", "g"),
            "apps.tilechat.users.me.groups.g.clientupdated");
  EXPECT_EQ(rejected_key(arena, "tilechat"), "observer.rejected.apps.tilechat");
}

TEST(Topic, ReadsALegacyKeyBeforeAReadmeOneWhereBothFit) {
  const auto topic = parse_topic("apps.a.users.me.messages.messages.outgoing");
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->form, Form::Legacy);
  EXPECT_EQ(topic->conversation, "messages");
}

TEST(Topic, MatchesKeysWhole) {
  for (const std::string_view key :
       {"apps.a.users.me.groups.update", "x.apps.a.users.me.presence.c", "apps.a.users.me.presence",
        "apps.a.users.me.presence.c.d", "apps.a.users.me.messages.to.clientadded", "..",
        ".apps.a.users.me.messages.to.outgoing", "apps.observer.a.groups.create"}) {
    EXPECT_FALSE(parse_topic(key)) << key;
  }
}

TEST(Topic, NamesTheLevelAndTheRuleThatIsBroken) {
  const auto why = [](std::string_view key) {
    const auto topic = parse_topic(key);
    const auto valid = validate(topic.value());
    return valid ? std::string("valid") : valid.error().message;
  };
  EXPECT_EQ(why("apps.a.users.me.messages..m1.update"), "recipient or conversation is empty");
  EXPECT_EQ(why("apps.a.users.m#.messages.to.m1.update"), "user contains #");
  EXPECT_EQ(why("apps.a.users.me.messages.to.$1.update"), "message id begins with $");
  EXPECT_EQ(why("apps.a.users.me.presence.c\n"), "client contains a control character");
  EXPECT_EQ(why("apps.\xFF.users.me.presence.c"), "app is not valid UTF-8");
  EXPECT_EQ(why("apps.observer.users.me.presence.c"),
            "app is observer, which the services' keys use");
}

TEST(Topic, LetsEveryDerivedKeyFitWhenTheIdsAreValid) {
  Arena arena;
  const std::string me(90, 'm');
  const std::string to(kMaxIds - me.size() - 1, 't');
  const std::string id(36, 'i');
  const auto topic = parse_topic(outgoing_key(arena, "a", me, to));
  ASSERT_TRUE(topic && validate(*topic));
  for (const std::string_view key :
       {message_added_key(arena, "a", me, to, Form::ReadmeSlash),
        message_updated_key(arena, "a", me, to, id), receipt_key(arena, "a", me, to, id),
        archived_conversation_added_key(arena, "a", me, to), persist_key(arena, "a", me, to),
        delivered_key(arena, "a", me, to), group_updated_key(arena, "a", me, to),
        outgoing_key(arena, "a", me, to), fence_key(arena, "a", me, to)}) {
    EXPECT_LE(key.size(), kMaxRoutingKey) << key;
  }
  EXPECT_EQ(message_updated_key(arena, "a", me, to, id).size(), kMaxRoutingKey);
}

TEST(Topic, LeavesTheIdOfAnInstanceFree) {
  for (const std::string& id : {std::string("x"), std::string("fGci:APA91b/+#.*%$ é"),
                                std::string("$x"), std::string(kMaxInstanceId, 'x')}) {
    EXPECT_TRUE(validate_instance_id(id)) << id;
  }
}

TEST(Topic, NamesTheRuleThatTheIdOfAnInstanceBreaks) {
  const auto why = [](std::string_view id) { return validate_instance_id(id).error().message; };
  EXPECT_EQ(why(""), "instance id is empty");
  EXPECT_EQ(why(std::string(kMaxInstanceId + 1, 'x')),
            "instance id has 1025 bytes, more than 1024");
  EXPECT_EQ(why("a\nb"), "instance id contains a control character");
  EXPECT_EQ(why("a\x7F"), "instance id contains a control character");
  EXPECT_EQ(why("a\xC2\x85"), "instance id contains a control character");
  EXPECT_EQ(why(std::string_view("\0", 1)), "instance id contains a control character");
  EXPECT_EQ(why("a\xFF"), "instance id is not valid UTF-8");
}

TEST(Topic, KnowsAGroupByItsId) {
  EXPECT_TRUE(is_group_id("group-1"));
  EXPECT_TRUE(is_group_id("support-group-1"));
  EXPECT_FALSE(is_group_id("group1"));
  EXPECT_FALSE(is_group_id("Group-1"));
}

TEST(Topic, FindsTheAppOfAnyKey) {
  EXPECT_EQ(app_of("apps.a"), "a");
  EXPECT_EQ(app_of(".apps.a.x"), "a");
  EXPECT_EQ(app_of("apps.observer.a.x"), "a");
  EXPECT_EQ(app_of("apps.observer"), "");
  EXPECT_EQ(app_of("apps"), "");
  EXPECT_EQ(app_of(""), "");
  EXPECT_EQ(app_of("other.a"), "");
}

TEST(FromObserver, IsWhatAnObserverPublishes) {
  Arena arena;
  for (const Form form : {Form::Current, Form::Legacy, Form::Readme, Form::ReadmeSlash}) {
    EXPECT_TRUE(is_from_observer(message_added_key(arena, "a", "me", "to", form)));
  }
  for (const std::string_view key :
       {message_updated_key(arena, "a", "me", "to", "m1"),
        conversation_updated_key(arena, "a", "me", "to"),
        conversation_deleted_key(arena, "a", "me", "to"),
        archived_conversation_added_key(arena, "a", "me", "to"),
        group_updated_key(arena, "a", "me", "group-1"), rejected_key(arena, "a"),
        fence_key(arena, "a", "api", "t1")}) {
    EXPECT_TRUE(is_from_observer(key)) << key;
  }
  EXPECT_TRUE(is_from_observer("apps.a.users.clientadded"));
  EXPECT_TRUE(is_from_observer("apps.a.users.me.x.y.z.q.r.s.t.u.v.clientadded"));
}

TEST(FromObserver, IsNothingThatOthersPublish) {
  Arena arena;
  for (const Form form : {Form::Current, Form::Legacy, Form::Readme, Form::ReadmeSlash}) {
    EXPECT_FALSE(is_from_observer(outgoing_key(arena, "a", "me", "to", form)));
  }
  for (const std::string_view key :
       {receipt_key(arena, "a", "me", "to", "m1"), conversation_patch_key(arena, "a", "me", "to"),
        archive_key(arena, "a", "me", "to"), presence_key(arena, "a", "me", "clientadded-1"),
        delivered_key(arena, "a", "me", "to"), persist_key(arena, "a", "me", "to"),
        order_key(arena, "a", Topic::Kind::Fence), std::string_view("apps.a.users.me.typing"),
        std::string_view("apps.a.clientadded"), std::string_view("clientadded"),
        std::string_view("apps"), std::string_view("apps."), std::string_view("."),
        std::string_view("")}) {
    EXPECT_FALSE(is_from_observer(key)) << key;
  }
}

}  // namespace
}  // namespace chat21
