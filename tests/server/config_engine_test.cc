#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "server/find_mosquitto.h"
#include "server/run.h"
#include "tests/server/configuration_case.h"

namespace chat21::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class EngineConfiguration : public ConfigurationTest {
 protected:
  // A configuration of the embedded engine that could run: neither program has to.
  void embed() {
    std::ofstream(folder_ / "plugin.so") << "x";
    flag("engine", "embedded");
    flag("mosquitto", "/bin/sh");
    flag("mosquitto-plugin", (folder_ / "plugin.so").string());
    flag("store", (folder_ / "x.db").string());
    flag("jwt-key", "own");
  }
  std::string check() const {
    const auto loaded = load();
    EXPECT_TRUE(loaded) << loaded.error().message;
    if (!loaded) return {};
    const auto checked = check_configuration(*loaded);
    return checked ? "" : checked.error().message;
  }
  std::vector<std::string> warnings() const { return load()->warnings(); }
};

TEST_F(EngineConfiguration, IsRabbitmqIfNobodySaysAnything) {
  const Config c = config();
  EXPECT_EQ(c.engine, Engine::Rabbitmq);
  EXPECT_EQ(c.mqtt_address, "127.0.0.1");
  EXPECT_EQ(c.mqtt_port, 1883);
  EXPECT_TRUE(c.websocket_enabled);
  EXPECT_EQ(c.websocket_address, "127.0.0.1");
  EXPECT_EQ(c.websocket_port, 15675);
  EXPECT_EQ(c.broker_dir, "");
  EXPECT_EQ(c.mosquitto, "");
  EXPECT_EQ(c.mosquitto_plugin, "");
  EXPECT_EQ(c.mqtt_max_connections, 10000U);
  EXPECT_EQ(c.mqtt_max_queued, 1000U);
  EXPECT_EQ(c.mqtt_max_queued_bytes, 16U << 20U);
}

TEST_F(EngineConfiguration, ReadsEverySettingFromItsVariable) {
  variable("ENGINE", "Embedded");
  variable("MQTT_ADDRESS", "::1");
  variable("MQTT_PORT", "1884");
  variable("WEBSOCKET_ENABLED", "false");
  variable("WEBSOCKET_ADDRESS", "0.0.0.0");
  variable("WEBSOCKET_PORT", "0");
  variable("BROKER_DIR", "/x/broker");
  variable("MOSQUITTO_PATH", "/x/mosquitto");
  variable("MOSQUITTO_PLUGIN", "/x/plugin.so");
  variable("MQTT_MAX_CONNECTIONS", "5");
  variable("MQTT_MAX_QUEUED", "6");
  variable("MQTT_MAX_QUEUED_BYTES", "64KiB");
  const Config c = config();
  EXPECT_EQ(c.engine, Engine::Embedded);
  EXPECT_EQ(c.mqtt_address, "::1");
  EXPECT_EQ(c.mqtt_port, 1884);
  EXPECT_FALSE(c.websocket_enabled);
  EXPECT_EQ(c.websocket_address, "0.0.0.0");
  EXPECT_EQ(c.websocket_port, 0);
  EXPECT_EQ(c.broker_dir, "/x/broker");
  EXPECT_EQ(c.mosquitto, "/x/mosquitto");
  EXPECT_EQ(c.mosquitto_plugin, "/x/plugin.so");
  EXPECT_EQ(c.mqtt_max_connections, 5U);
  EXPECT_EQ(c.mqtt_max_queued, 6U);
  EXPECT_EQ(c.mqtt_max_queued_bytes, 65536U);
}

struct Bad {
  const char* key;
  const char* value;
  const char* allowed;
};

class BadEngineValue : public ConfigurationTest, public testing::WithParamInterface<Bad> {};

TEST_P(BadEngineValue, IsRefused) {
  flag(GetParam().key, GetParam().value);
  EXPECT_EQ(complaints(), std::string("--") + GetParam().key + "=" + GetParam().value + ": " +
                              GetParam().allowed);
}

INSTANTIATE_TEST_SUITE_P(
    Engine, BadEngineValue,
    testing::Values(
        Bad{"engine", "kafka", "must be one of rabbitmq, embedded"},
        Bad{"mqtt-address", "localhost", "must be an IPv4 or IPv6 address of this machine"},
        Bad{"mqtt-port", "0", "must be 1 to 65535"},
        Bad{"websocket-port", "65536", "must be 0 to 65535"},
        Bad{"websocket-address", "*", "must be an IPv4 or IPv6 address of this machine"},
        Bad{"websocket-enabled", "maybe", "must be true or false"},
        Bad{"mqtt-max-connections", "0", "must be 1 to 1000000"},
        Bad{"broker-timeout", "9s", "must be a time with its unit (ms, s, m, h), 10s to 24h"},
        Bad{"mqtt-max-queued", "0", "must be 1 to 1000000"},
        Bad{"mqtt-max-queued-bytes", "1KiB",
            "must be a number of bytes (or KiB, MiB, GiB), 64KiB to 1GiB"},
        Bad{"mqtt-max-queued-bytes", "2GiB",
            "must be a number of bytes (or KiB, MiB, GiB), 64KiB to 1GiB"}));

TEST_F(EngineConfiguration, TakesTheLimitsThatItsHelpNames) {
  variable("MQTT_MAX_QUEUED_BYTES", "1GiB");
  EXPECT_EQ(config().mqtt_max_queued_bytes, std::size_t{1} << 30U);
}

TEST_F(EngineConfiguration, KeepsWhatTheOldWordForADurabilityPromised) {
  for (const auto& [word, promise] : {std::pair{"group", Promise::Group},
                                      {"strict", Promise::Strict},
                                      {"process", Promise::Strict},
                                      {"power", Promise::Power}}) {
    variable("STORE_DURABILITY", word);
    EXPECT_EQ(config().durability, promise) << word;
  }
}

TEST_F(EngineConfiguration, NeedsNoUriWithABrokerOfItsOwn) {
  embed();
  EXPECT_EQ(check(), "");
  EXPECT_THAT(warnings(), IsEmpty());
}

TEST_F(EngineConfiguration, NeedsAProgramThatCanBeExecuted) {
  std::ofstream(folder_ / "mosquitto") << "x";
  const auto named = [this](const std::string& path) {
    Config c;
    c.mosquitto = path;
    const auto found = find_mosquitto(c);
    return found ? "" : found.error().message;
  };
  EXPECT_EQ(named((folder_ / "none").string()),
            "MOSQUITTO_PATH=" + (folder_ / "none").string() + ": No such file or directory");
  EXPECT_EQ(named((folder_ / "mosquitto").string()),
            "MOSQUITTO_PATH=" + (folder_ / "mosquitto").string() + ": Permission denied");
  EXPECT_EQ(named(folder_.string()), "MOSQUITTO_PATH=" + folder_.string() + ": must be a file");
}

TEST_F(EngineConfiguration, NamesThePluginThatIsNotThere) {
  flag("engine", "embedded");
  flag("mosquitto", "/bin/sh");
  flag("mosquitto-plugin", "/nowhere/x.so");
  flag("store", (folder_ / "x.db").string());
  EXPECT_EQ(check(), "MOSQUITTO_PLUGIN=/nowhere/x.so: No such file or directory");
}

TEST_F(EngineConfiguration, RefusesWhatTheBrokersFileCannotCarry) {
  embed();
  variable("BROKER_DIR", "/tmp/a\nlistener 1");
  EXPECT_THAT(check(), HasSubstr("BROKER_DIR: the broker's configuration cannot carry"));
}

TEST_F(EngineConfiguration, NeedsBothFilesOfWebSocketWithTls) {
  embed();
  flag("http-enabled", "false");
  const std::string certificate = (folder_ / "plugin.so").string();
  flag("cert-pem", certificate);
  EXPECT_EQ(check(), "--cert-pem=" + certificate + ": must be given together with key-pem");
  flag("websocket-enabled", "false");
  EXPECT_EQ(check(), "");
}

TEST_F(EngineConfiguration, WarnsOfSettingsOfTheOtherEngine) {
  embed();
  variable("RABBITMQ_URI", "amqp://h");
  variable("ACTIVE_QUEUES", "none");
  EXPECT_THAT(warnings(),
              testing::UnorderedElementsAre(
                  "RABBITMQ_URI has no effect with engine embedded: it is for engine rabbitmq",
                  "ACTIVE_QUEUES has no effect with engine embedded: it is for engine rabbitmq"));
}

TEST_F(EngineConfiguration, WarnsOfABrokerOfItsOwnThatIsNotStarted) {
  variable("MQTT_PORT", "1884");
  EXPECT_THAT(warnings(), Contains("MQTT_PORT has no effect with engine rabbitmq: it is for engine "
                                   "embedded"));
}

}  // namespace
}  // namespace chat21::server
