#include "server/broker_config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <sys/stat.h>

namespace chat21::server {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

unsigned mode(const fs::path& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777U;
}

class BrokerConfiguration : public testing::Test {
 protected:
  BrokerConfiguration() {
    std::string pattern = testing::TempDir() + "chat21-broker-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    config_.engine = Engine::Embedded;
    config_.app_id = "tilechat";
    config_.store = folder_ / "chat21.db";
    config_.jwt_key = "hidden";
    config_.jwt_audience = "rabbitmq";
    config_.mqtt_address = "127.0.0.1";
    config_.mqtt_port = 1883;
    config_.max_body_bytes = 1U << 20U;
    config_.mqtt_max_connections = 10;
    config_.mqtt_max_queued = 20;
    config_.mqtt_max_queued_bytes = 30;
  }
  ~BrokerConfiguration() override { fs::remove_all(folder_); }

  std::string text() const {
    const auto made = broker_configuration(config_, "/x/plugin.so");
    return made ? *made : made.error().message;
  }
  std::string write() const {
    const auto made = make_broker_folder(broker_folder(config_));
    if (!made) return made.error().message;
    const auto written = write_broker_configuration(config_, "/x/plugin.so");
    return written ? "" : written.error().message;
  }

  fs::path folder_;
  Config config_;
};

TEST_F(BrokerConfiguration, IsNotWrittenAmongFilesOfSomebodyElse) {
  const fs::path folder = broker_folder(config_).path;
  fs::create_directories(folder / "conf.d");
  EXPECT_EQ(write(), "");  // the operator's lines may be there before us
  fs::remove(broker_folder(config_).key());
  EXPECT_THAT(write(), HasSubstr("has files of somebody else, such as mosquitto.conf"));
}

TEST_F(BrokerConfiguration, IsBesideTheStoreIfNothingElseIsSaid) {
  config_.store = "data/x.db";
  EXPECT_EQ(broker_folder(config_).path, fs::current_path() / "data/x.db-broker");
  config_.broker_dir = "elsewhere/../own";
  EXPECT_EQ(broker_folder(config_).path, fs::current_path() / "own");
}

TEST_F(BrokerConfiguration, TellsTheBrokerAndThePluginEverything) {
  config_.seed = 7;
  config_.durability = Promise::Strict;
  const std::string folder = folder_.string() + "/chat21.db-broker";
  for (const std::string& line :
       {std::string("listener 1883 127.0.0.1"), std::string("max_connections 10"),
        std::string("max_queued_messages 20"), std::string("max_queued_bytes 30"),
        std::string("allow_anonymous false"), std::string("persistence true"),
        "persistence_location " + folder, "include_dir " + folder + "/conf.d",
        std::string("log_dest stderr"), std::string("plugin /x/plugin.so"),
        "plugin_opt_store " + folder_.string() + "/chat21.db",
        std::string("plugin_opt_app_id tilechat"), "plugin_opt_jwt_key_file " + folder + "/jwt.key",
        std::string("plugin_opt_jwt_audience rabbitmq"),
        std::string("plugin_opt_durability strict"), std::string("plugin_opt_max_body 1048576"),
        std::string("plugin_opt_seed 7")}) {
    EXPECT_THAT(text(), HasSubstr("\n" + line + "\n"));
  }
  EXPECT_THAT(text(), Not(HasSubstr("per_listener_settings")));
  EXPECT_THAT(text(), Not(HasSubstr("message_size_limit")));
}

TEST_F(BrokerConfiguration, LeavesTheSeedToThePlugin) {
  EXPECT_THAT(text(), Not(HasSubstr("plugin_opt_seed")));
}

TEST_F(BrokerConfiguration, LetsTheObserverTellOfMessagesThatAreABitTooLarge) {
  EXPECT_GT(max_packet_bytes(config_), config_.max_body_bytes + 65536);
  config_.max_body_bytes = 128U << 20U;
  EXPECT_EQ(max_packet_bytes(config_), 268'435'455U) << "no more than MQTT has";
}

TEST_F(BrokerConfiguration, KeepsTheKeyToItself) {
  EXPECT_THAT(text(), Not(HasSubstr("hidden")));
}

// A line of its own would be another setting; mosquitto.conf has neither quotes nor escapes.
TEST_F(BrokerConfiguration, RefusesWhatALineCannotCarry) {
  for (const char* bad :
       {"a\nallow_anonymous true", "a\rb", "a\tb", " a", "a ", "", "a\x7f", "\x1b[2J"}) {
    config_.jwt_audience = bad;
    EXPECT_THAT(text(), StartsWith("JWT_AUDIENCE: the broker's configuration cannot carry '"))
        << bad;
    EXPECT_THAT(text(), AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
  }
  config_.jwt_audience = std::string(5000, 'a');
  EXPECT_THAT(text(), HasSubstr("it is too long"));
  config_.jwt_audience = "x";
  config_.broker_dir = "/data/broker";
  config_.store = "/data/a\nb.db";
  EXPECT_THAT(text(), HasSubstr("STORE_PATH: "));
  config_.store = "x.db";
  config_.broker_dir = "/data/broker ";
  EXPECT_THAT(text(), HasSubstr("BROKER_DIR: "));
  EXPECT_EQ(broker_configuration(config_, "/a/\n").error().code, Error::Code::InvalidArgument);
}

TEST_F(BrokerConfiguration, CarriesBlanksAndCommentSignsInside) {
  config_.jwt_audience = "my audience # 1";
  EXPECT_THAT(text(), HasSubstr("\nplugin_opt_jwt_audience my audience # 1\n"));
}

TEST_F(BrokerConfiguration, IsWrittenForUsAlone) {
  ASSERT_EQ(write(), "");
  const BrokerFolder folder = broker_folder(config_);
  EXPECT_EQ(mode(folder.path), 0700U);
  EXPECT_EQ(mode(folder.own_lines()), 0700U);
  EXPECT_EQ(mode(folder.configuration()), 0600U);
  EXPECT_EQ(mode(folder.key()), 0600U);
  EXPECT_EQ(read(folder.key()), "hidden\n");
  EXPECT_EQ(read(folder.configuration()), text());
}

TEST_F(BrokerConfiguration, IsWrittenOnlyIfItDiffers) {
  ASSERT_EQ(write(), "");
  const auto inode = [this] {
    struct stat found {};
    ::stat(broker_folder(config_).configuration().c_str(), &found);
    return found.st_ino;
  };
  const auto first = inode();
  ASSERT_EQ(write(), "");
  EXPECT_EQ(inode(), first);
  config_.mqtt_port = 1884;
  ASSERT_EQ(write(), "");
  EXPECT_THAT(read(broker_folder(config_).configuration()), HasSubstr("listener 1884"));
}

TEST_F(BrokerConfiguration, TakesTheKeyBackFromOthers) {
  ASSERT_EQ(write(), "");
  fs::permissions(broker_folder(config_).key(), fs::perms(0644));
  ASSERT_EQ(write(), "");
  EXPECT_EQ(mode(broker_folder(config_).key()), 0600U);
}

TEST_F(BrokerConfiguration, DoesNotWriteThroughALink) {
  ASSERT_EQ(write(), "");
  const fs::path key = broker_folder(config_).key();
  const fs::path victim = folder_ / "victim";
  std::ofstream(victim) << "before";
  fs::remove(key);
  fs::create_symlink(victim, key);
  fs::create_symlink(victim, key.string() + ".new");
  ASSERT_EQ(write(), "");
  EXPECT_EQ(read(victim), "before");
  EXPECT_EQ(read(key), "hidden\n");
}

TEST_F(BrokerConfiguration, KeepsTheOperatorsLines) {
  ASSERT_EQ(write(), "");
  const fs::path own = broker_folder(config_).own_lines() / "tls.conf";
  std::ofstream(own) << "listener 8883\n";
  ASSERT_EQ(write(), "");
  EXPECT_EQ(read(own), "listener 8883\n");
}

TEST_F(BrokerConfiguration, RefusesAFolderThatOthersMayWriteTo) {
  config_.broker_dir = folder_ / "open";
  fs::create_directory(config_.broker_dir);
  fs::permissions(config_.broker_dir, fs::perms(0777));
  EXPECT_THAT(write(), HasSubstr("nobody else may write to it"));
}

TEST_F(BrokerConfiguration, RefusesAFolderThatIsAFile) {
  config_.broker_dir = folder_ / "file";
  std::ofstream(config_.broker_dir) << "x";
  EXPECT_THAT(write(), HasSubstr("is no folder"));
}

TEST_F(BrokerConfiguration, NamesTheFolderThatCannotBeMade) {
  config_.broker_dir = folder_ / "none/broker";
  EXPECT_EQ(write(), "cannot make the folder " + config_.broker_dir.string() +
                         ": No such file or directory");
}

}  // namespace
}  // namespace chat21::server
