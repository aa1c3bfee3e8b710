// The plugin in a configuration, a store or a world that is not right.
#include <sstream>

#include "lib/sqlite/database.h"
#include "tests/mosquitto/plugin_case.h"

namespace chat21::mosquitto {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// --- Starting -------------------------------------------------------------------

class Start : public PluginCase {};

TEST_F(Start, IsRefusedWithWrongOptionsByName) {
  EXPECT_THAT(refused_start({"plugin " CHAT21_PLUGIN}), HasSubstr("plugin_opt_store is missing"));
  EXPECT_THAT(refused_start(plugin_lines({"plugin_opt_duration strict"})),
              HasSubstr("plugin_opt_duration is unknown"));
  EXPECT_THAT(
      refused_start(plugin_lines({"plugin_opt_durability always"})),
      HasSubstr("plugin_opt_durability \"always\" is wrong; allowed is group, strict or power"));
  EXPECT_THAT(refused_start(plugin_lines({"plugin_opt_jwt_key_file /nowhere/key"})),
              HasSubstr("plugin_opt_jwt_key_file \"/nowhere/key\""));
}

TEST_F(Start, IsRefusedWithAStoreThatAnotherWrites) {
  const auto other = open_sqlite({.path = store()});
  ASSERT_TRUE(other);
  EXPECT_THAT(refused_start(plugin_lines()),
              AllOf(HasSubstr("chat21: Error: cannot start: "), HasSubstr(store().string()),
                    HasSubstr("one Store per file")));
}

TEST_F(Start, IsRefusedWithAStoreOfANewerVersion) {
  ASSERT_TRUE(open_sqlite({.path = store()}));
  {
    auto raw = sqlite::Database::open(store(), sqlite::Database::Access::Write,
                                      std::chrono::milliseconds(1000));
    ASSERT_TRUE(raw);
    ASSERT_TRUE(raw->execute("PRAGMA user_version = 1000", "change the schema's version"));
  }
  EXPECT_THAT(refused_start(plugin_lines()),
              AllOf(HasSubstr("cannot start: "), HasSubstr(store().string()), HasSubstr("1000")));
}

TEST_F(Start, IsRefusedWithoutTheFolderOfTheStore) {
  EXPECT_THAT(refused_start({"plugin " CHAT21_PLUGIN, "plugin_opt_store /nowhere/chat21.db"}),
              AllOf(HasSubstr("/nowhere"), HasSubstr("does not exist")));
}

TEST_F(Start, WarnsOfTheDefaultKey) {
  start();
  EXPECT_THAT(broker_->log(), HasSubstr("well-known default"));
  start({"plugin_opt_jwt_key another"});
  EXPECT_THAT(broker_->log(), Not(HasSubstr("well-known default")));
}

TEST_F(Start, WithSettingsForEachListenerServesNobodyAndSaysWhy) {
  std::ofstream(configuration()) << "per_listener_settings true\n"
                                 << "user " << ::getpwuid(::geteuid())->pw_name << "\n"
                                 << "log_dest stderr\nlistener " << port_ << " 127.0.0.1\n"
                                 << "plugin " CHAT21_PLUGIN "\nplugin_opt_store "
                                 << store().string() << '\n';
  restart();
  EXPECT_THROW(connect("ann"), std::runtime_error);
  EXPECT_TRUE(broker_->wait_for_log("per_listener_settings true"));
  EXPECT_EQ(broker_->stop(), 0);
}

// --- The example ------------------------------------------------------------------

class Example : public PluginCase {
 protected:
  static std::string content(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << "the example has no " << from;
    text.replace(at, from.size(), to);
  }
};

TEST_F(Example, IsAConfigurationThatWorks) {
  std::string lines = content(CHAT21_EXAMPLE);
  replace(lines, "1883", std::to_string(port_));
  replace(lines, "/usr/local/lib/chat21/chat21_mosquitto_plugin.so", CHAT21_PLUGIN);
  replace(lines, "/var/lib/chat21/chat21.db", store().string());
  replace(lines, "/etc/chat21/jwt.key", (folder_ / "jwt.key").string());
  replace(lines, "/var/lib/mosquitto/", folder_.path().string() + '/');
  std::ofstream(folder_ / "jwt.key") << "an own key\n";
  std::ofstream(configuration()) << lines << "user " << ::getpwuid(::geteuid())->pw_name << '\n';
  restart();

  const auto hour = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) +
                    std::chrono::hours(1);
  Client::Options ann{
      .id = "a",
      .token = token_with(
          {.user = "ann", .scopes = user_scopes("ann"), .expires = hour, .key = "an own key"}),
      .port = port_};
  auto client = connect(ann);
  ASSERT_TRUE(client->subscribe(inbox_of("ann") + "/#", 1));
  ASSERT_TRUE(client->publish(outgoing_topic("ann", "bob"), text_body("through"), 1));
  const auto copy = client->next();
  ASSERT_TRUE(copy);
  EXPECT_THAT(copy->body, HasSubstr("through"));
  EXPECT_EQ(broker_->stop(), 0);
}

// --- A store that cannot be written -------------------------------------------------

class FullDisk : public PluginCase, public ::testing::WithParamInterface<const char*> {
 protected:
  // Publishes as a client that comes back does. Whether it was acknowledged.
  bool publish(const std::string& text) {
    return connect("ann")->publish(outgoing_topic("ann", "bob"), text_body(text), 1);
  }
};

INSTANTIATE_TEST_SUITE_P(Durability, FullDisk, ::testing::Values("group", "strict", "power"));

TEST_P(FullDisk, RefusesMessagesVisiblyAndRecovers) {
  start({std::string("plugin_opt_durability ") + GetParam()});
  std::size_t acknowledged = 0;
  ASSERT_TRUE(publish("before"));
  ++acknowledged;
  broker_->limit_files(1);
  while (publish("while it fills")) {
    ++acknowledged;
    ASSERT_LT(acknowledged, 1000U) << "nothing is refused";
  }
  EXPECT_TRUE(broker_->wait_for_log("refusing messages until the store works again"));
  if (GetParam() != std::string("group")) {
    EXPECT_EQ(acknowledged, 1U);
  }
  EXPECT_FALSE(publish("still full"));
  auto ann = reader("ann");  // the broker lives on
  ASSERT_TRUE(ann->publish(inbox_of("ann") + "/mine", "{}", 1));
  ASSERT_TRUE(ann->next());
  ann.reset();

  broker_->limit_files(std::nullopt);
  ASSERT_TRUE(broker_->wait_for_log("the store works again"));
  ASSERT_TRUE(publish("after"));
  ++acknowledged;
  EXPECT_EQ(broker_->stop(), 0) << broker_->log();
  EXPECT_EQ(history("bob", "ann").size(), acknowledged);
}

class Strict : public PluginCase {};

TEST_F(Strict, HasStoredWhatItAcknowledged) {
  start({"plugin_opt_durability strict"});
  auto ann = connect("ann");
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(ann->publish(outgoing_topic("ann", "bob"), text_body(std::to_string(i)), 1));
  }
  broker_->kill();
  EXPECT_EQ(history("bob", "ann").size(), 20U);
}

}  // namespace
}  // namespace chat21::mosquitto
