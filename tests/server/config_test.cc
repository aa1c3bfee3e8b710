#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "tests/server/configuration_case.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(ConfigurationTest, HasDefaultsForAllButTheBroker) {
  const Config c = config();
  EXPECT_EQ(c.rabbitmq_uri, "");
  EXPECT_TRUE(c.rabbitmq_verify_peer);
  EXPECT_EQ(c.app_id, "tilechat");
  EXPECT_TRUE(c.consume_messages);
  EXPECT_TRUE(c.consume_persist);
  EXPECT_EQ(c.prefetch, 256);
  EXPECT_EQ(c.max_body_bytes, 1U << 20U);
  EXPECT_EQ(c.publish_timeout, 30s);
  EXPECT_TRUE(c.auto_restart);
  EXPECT_EQ(c.store, "chat21.db");
  EXPECT_EQ(c.durability, Promise::Group);
  EXPECT_EQ(c.jwt_key, "tokenKey");
  EXPECT_EQ(c.jwt_audience, "rabbitmq");
  EXPECT_EQ(c.log_level, LogLevel::Info);
  EXPECT_EQ(c.log_format, LogFormat::Text);
  EXPECT_EQ(c.seed, std::nullopt);
}

TEST_F(ConfigurationTest, PrefersFlagToVariableToFileToDefault) {
  EXPECT_EQ(config().prefetch, 256);
  file("prefetch = 1\n");
  EXPECT_EQ(config().prefetch, 1);
  variable("PREFETCH_MESSAGES", "2");
  EXPECT_EQ(config().prefetch, 2);
  flag("prefetch", "3");
  EXPECT_EQ(config().prefetch, 3);
}

TEST_F(ConfigurationTest, KnowsTheSourceOfEveryValue) {
  file("store = \"a.db\"\n");
  variable("LOG_LEVEL", "debug");
  flag("prefetch", "3");
  const auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->given("prefetch").source, "--prefetch");
  EXPECT_EQ(loaded->given("log-level").source, "LOG_LEVEL");
  EXPECT_EQ(loaded->given("store").source, (folder_ / "chat21.conf").string());
  EXPECT_EQ(loaded->given("app-id").source, "default");
}

TEST_F(ConfigurationTest, ReadsEverySettingFromItsVariable) {
  variable("RABBITMQ_URI", "amqps://x:y@h/v?heartbeat=60");
  variable("RABBITMQ_CA_FILE", "ca.pem");
  variable("RABBITMQ_VERIFY_PEER", "false");
  variable("APP_ID", "shop");
  variable("ACTIVE_QUEUES", "persist");
  variable("PREFETCH_MESSAGES", "10");
  variable("MAX_BODY_BYTES", "64KiB");
  variable("PUBLISH_TIMEOUT", "5s");
  variable("AUTO_RESTART", "false");
  variable("STORE_PATH", "/tmp/x.db");
  variable("STORE_DURABILITY", "power");
  variable("JWT_KEY", "k");
  variable("JWT_AUDIENCE", "a");
  variable("LOG_LEVEL", "verbose");
  variable("LOG_FORMAT", "json");
  variable("CHAT21_SEED", "7");
  const Config c = config();
  EXPECT_EQ(c.rabbitmq_uri, "amqps://x:y@h/v?heartbeat=60");
  EXPECT_EQ(c.rabbitmq_ca_file, "ca.pem");
  EXPECT_FALSE(c.rabbitmq_verify_peer);
  EXPECT_EQ(c.app_id, "shop");
  EXPECT_FALSE(c.consume_messages);
  EXPECT_TRUE(c.consume_persist);
  EXPECT_EQ(c.prefetch, 10);
  EXPECT_EQ(c.max_body_bytes, 65536U);
  EXPECT_EQ(c.publish_timeout, 5s);
  EXPECT_FALSE(c.auto_restart);
  EXPECT_EQ(c.store, "/tmp/x.db");
  EXPECT_EQ(c.durability, Promise::Power);
  EXPECT_EQ(c.jwt_key, "k");
  EXPECT_EQ(c.jwt_audience, "a");
  EXPECT_EQ(c.log_level, LogLevel::Verbose);
  EXPECT_EQ(c.log_format, LogFormat::Json);
  EXPECT_EQ(c.seed, 7U);
}

TEST_F(ConfigurationTest, TakesAnEmptyVariableForNotSet) {
  file("app-id = shop\n");
  variable("APP_ID", "");
  EXPECT_EQ(config().app_id, "shop");
}

TEST_F(ConfigurationTest, ConsumesNothingIfToldSo) {
  for (const char* none : {"none", "NONE", " none "}) {
    flag("active-queues", none);
    EXPECT_FALSE(config().consume_messages);
    EXPECT_FALSE(config().consume_persist);
  }
}

TEST_F(ConfigurationTest, ReadsListsFromFilesInEveryUsualForm) {
  for (const char* list : {"\"messages,persist\"", "messages,persist", "[\"messages\", 'persist']",
                           "messages , persist"}) {
    file(std::string("active-queues = ") + list + "\n");
    EXPECT_TRUE(config().consume_messages) << list;
    EXPECT_TRUE(config().consume_persist) << list;
  }
}

TEST_F(ConfigurationTest, KeepsSpecialCharactersOfQuotedValues) {
  file("jwt-key = \"a#b, c='d';e\"\n# a comment\n; another\nstore = 'my data/x.db'\r\n");
  EXPECT_EQ(config().jwt_key, "a#b, c='d';e");
  EXPECT_EQ(config().store, "my data/x.db");
}

// --- Complaints -----------------------------------------------------------------

TEST_F(ConfigurationTest, NamesSourceValueAndWhatIsAllowed) {
  flag("prefetch", "0");
  variable("LOG_LEVEL", "TRACE");
  file("durability = \"disk\"\n");
  EXPECT_EQ(complaints(),
            "--prefetch=0: must be 1 to 65535\n"
            "chat21.conf: durability=disk: must be one of group, strict, power, process\n"
            "LOG_LEVEL=TRACE: must be one of ERROR, WARN, INFO, VERBOSE, DEBUG");
}

TEST_F(ConfigurationTest, RefusesUnknownKeysAndNamesTheLikelyOne) {
  file("prefetc = 1\nwhatever = 2\n[rabbitmq]\nprefetch = 3\n");
  EXPECT_EQ(complaints(),
            "chat21.conf: unknown key 'prefetc'; did you mean 'prefetch'?\n"
            "chat21.conf: unknown key 'whatever'\n"
            "chat21.conf: unknown section '[rabbitmq]'\n"
            "chat21.conf: unknown key 'rabbitmq.prefetch'");
}

TEST_F(ConfigurationTest, RefusesAKeyThatIsGivenTwice) {
  file("prefetch = 1\nprefetch = 2\n");
  EXPECT_THAT(complaints(), HasSubstr("chat21.conf: prefetch: must be given once"));
  file("prefetch = 1\nstore = a.db\nprefetch = 2\n");
  EXPECT_THAT(complaints(), HasSubstr("chat21.conf: prefetch: must be given once"));
}

TEST_F(ConfigurationTest, RefusesBlanksAndCommentsBehindAValue) {
  file("prefetch = 1 # one\n");
  EXPECT_THAT(complaints(), HasSubstr("chat21.conf: prefetch: must be given once, with one value"));
  file("store = my data/x.db\n");
  EXPECT_THAT(complaints(), HasSubstr("chat21.conf: store: must be given once, with one value"));
}

TEST_F(ConfigurationTest, RefusesABadValueInTheFileEvenIfOverridden) {
  file("prefetch = no\n");
  flag("prefetch", "3");
  EXPECT_EQ(complaints(), "chat21.conf: prefetch=no: must be 1 to 65535");
}

TEST_F(ConfigurationTest, LetsAFlagOverrideAVariableMeantForAnotherProgram) {
  variable("LOG_LEVEL", "trace");
  flag("log-level", "info");
  EXPECT_EQ(complaints(), "nothing");
}

TEST_F(ConfigurationTest, RefusesAFileThatCannotBeRead) {
  file("");
  std::filesystem::remove(folder_ / "chat21.conf");
  EXPECT_EQ(complaints(), "cannot read 'chat21.conf': No such file or directory");
  std::filesystem::create_directory(folder_ / "chat21.conf");
  EXPECT_EQ(complaints(), "cannot read 'chat21.conf': it is a folder");
}

struct Bad {
  const char* key;
  const char* value;
  friend std::ostream& operator<<(std::ostream& out, const Bad& bad) {
    return out << bad.key << '=' << bad.value;
  }
};

class BadValue : public ConfigurationTest, public testing::WithParamInterface<Bad> {};

TEST_P(BadValue, IsRefused) {
  flag(GetParam().key, GetParam().value);
  EXPECT_THAT(complaints(), testing::StartsWith(std::string("--") + GetParam().key + "="));
  EXPECT_THAT(complaints(), Not(HasSubstr("\n")));
}

INSTANTIATE_TEST_SUITE_P(
    Configuration, BadValue,
    testing::Values(Bad{"prefetch", "65536"}, Bad{"prefetch", "ten"}, Bad{"prefetch", ""},
                    Bad{"rabbitmq-uri", "http://h"}, Bad{"rabbitmq-uri", "amqp://"},
                    Bad{"rabbitmq-uri", "amqp://h/a b"}, Bad{"app-id", "a.b"}, Bad{"app-id", ""},
                    Bad{"active-queues", "messages,webhooks"}, Bad{"active-queues", ""},
                    Bad{"active-queues", "none,messages"}, Bad{"auto-restart", "maybe"},
                    Bad{"max-body", "1"}, Bad{"max-body", "1GiB"}, Bad{"publish-timeout", "30"},
                    Bad{"publish-timeout", "2h"}, Bad{"store", ""}, Bad{"durability", "none"},
                    Bad{"jwt-key", ""}, Bad{"jwt-audience", ""}, Bad{"log-format", "xml"},
                    Bad{"seed", "x"}, Bad{"webhook-enabled", "si"},
                    Bad{"webhook-endpoints", "server/requests"}, Bad{"webhook-events", "all"},
                    Bad{"presence-enabled", "2"}, Bad{"metrics-port", "0"},
                    Bad{"metrics-port", "65536"}, Bad{"analytics-rabbitmq-uri", "h:5672"},
                    Bad{"cache-redis-port", "x"}, Bad{"bucket-msg-capacity", "0"},
                    Bad{"mongodb-uri", "amqp://h"}));

INSTANTIATE_TEST_SUITE_P(
    RestApi, BadValue,
    testing::Values(Bad{"http-enabled", "maybe"}, Bad{"http-address", "localhost"},
                    Bad{"http-address", ""}, Bad{"http-address", "127.0.0.1:80"},
                    Bad{"port", "65536"}, Bad{"port", "-1"}, Bad{"port", ""},
                    Bad{"base-url", "api"}, Bad{"base-url", "/api/"}, Bad{"base-url", "//api"},
                    Bad{"base-url", "/api?x"}, Bad{"base-url", "/a b"},
                    Bad{"contacts-lookup-endpoint", "contacts"}, Bad{"http-threads", "0"},
                    Bad{"http-threads", "65"}, Bad{"http-nice", "20"}, Bad{"http-max-body", "1023"},
                    Bad{"http-max-body", "17MiB"}, Bad{"http-max-header", "1"},
                    Bad{"http-max-header", "2MiB"}, Bad{"http-max-connections", "0"},
                    Bad{"http-request-timeout", "0s"}, Bad{"http-request-timeout", "30"},
                    Bad{"http-apply-timeout", "99ms"}, Bad{"http-apply-timeout", "11m"},
                    Bad{"push-enabled", "si"}, Bad{"push-endpoint", "ftp://h"},
                    Bad{"push-wh-notify-url", "h"}));

// --- Running ----------------------------------------------------------------------

TEST_F(ConfigurationTest, NeedsABrokerToRun) {
  flag("store", (folder_ / "x.db").string());
  const auto runnable = load()->check_runnable();
  ASSERT_FALSE(runnable);
  EXPECT_THAT(runnable.error().message, HasSubstr("RABBITMQ_URI"));
}

TEST_F(ConfigurationTest, NeedsAFolderForTheStoreToRun) {
  flag("rabbitmq-uri", "amqp://h");
  flag("store", (folder_ / "none" / "x.db").string());
  const auto runnable = load()->check_runnable();
  ASSERT_FALSE(runnable);
  EXPECT_EQ(runnable.error().message, "--store=" + (folder_ / "none" / "x.db").string() +
                                          ": the folder '" + (folder_ / "none").string() +
                                          "' must exist");
}

TEST_F(ConfigurationTest, NeedsAFileForTheStoreToRun) {
  flag("rabbitmq-uri", "amqp://h");
  flag("store", folder_.string());
  const auto runnable = load()->check_runnable();
  ASSERT_FALSE(runnable);
  EXPECT_THAT(runnable.error().message, HasSubstr("must be a file, and is a folder"));
}

TEST_F(ConfigurationTest, IsRunnableWithBrokerAndFolder) {
  flag("rabbitmq-uri", "amqp://h");
  flag("store", (folder_ / "x.db").string());
  const auto runnable = load()->check_runnable();
  EXPECT_TRUE(runnable) << runnable.error().message;
}

// --- Secrets ------------------------------------------------------------------------

TEST_F(ConfigurationTest, NeverShowsSecrets) {
  variable("RABBITMQ_URI", "amqp://user:hidden@broker:5672/v");
  variable("JWT_KEY", "hidden");
  variable("CACHE_REDIS_PASSWORD", "hidden");
  variable("MONGODB_URI", "mongodb://user:hidden@db/chat21");
  variable("ANALYTICS_RABBITMQ_URI", "amqp://user:hidden@broker2");
  variable("WEBHOOK_ENDPOINTS", "https://server/hooks/hidden?token=hidden");
  variable("CONTACTS_LOOKUP_ENDPOINT", "https://user:hidden@contacts/?key=hidden");
  variable("PUSH_ENDPOINT", "https://push/hidden");
  variable("PUSH_WH_WEBHOOK_TOKEN", "hidden");
  variable("PUSH_WH_NOTIFY_URL", "https://relay/hidden");
  variable("PUSH_WH_CHAT21_API_ADMIN_TOKEN", "hidden");
  variable("FIREBASE_PRIVATE_KEY", "hidden");
  const auto loaded = load();
  ASSERT_TRUE(loaded);
  const std::string text = loaded->describe();
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
  EXPECT_THAT(text, HasSubstr("amqp://***@broker:5672/v"));
  for (const std::string& warning : loaded->warnings()) {
    EXPECT_THAT(warning, Not(HasSubstr("hidden")));
  }
}

TEST_F(ConfigurationTest, ComplainsAboutSecretsWithoutShowingThem) {
  variable("RABBITMQ_URI", "http://user:hidden@broker");
  variable("MONGODB_URI", "user:hidden");
  variable("WEBHOOK_ENDPOINT", "hidden");
  EXPECT_EQ(complaints(),
            "RABBITMQ_URI=http://***@broker: must be amqp://user:password@host:port/vhost or "
            "amqps://..., percent-encoded\n"
            "WEBHOOK_ENDPOINT=***: must be a list of http:// or https:// addresses\n"
            "MONGODB_URI=***: must be mongodb:// or mongodb+srv://...");
}

TEST_F(ConfigurationTest, DescribesEveryValueWithItsSource) {
  variable("PREFETCH_MESSAGES", "17");
  const std::string text = load()->describe();
  EXPECT_THAT(text, testing::ContainsRegex("prefetch +17 +PREFETCH_MESSAGES\n"));
  EXPECT_THAT(text, testing::ContainsRegex("store +chat21.db +default\n"));
  EXPECT_THAT(text, Not(HasSubstr("seed")));
}

// --- Warnings -----------------------------------------------------------------------

TEST_F(ConfigurationTest, WarnsOfTheWellKnownKey) {
  EXPECT_THAT(load()->warnings(), ElementsAre(HasSubstr("JWT_KEY is the well-known default")));
  variable("JWT_KEY", "own");
  EXPECT_THAT(load()->warnings(), IsEmpty());
}

TEST_F(ConfigurationTest, WarnsOfFeaturesThatAreNotThereYet) {
  variable("JWT_KEY", "own");
  variable("WEBHOOK_ENDPOINT", "http://server:3000/chat21/requests");
  variable("MONGODB_URI", "mongodb://db");
  EXPECT_THAT(
      load()->warnings(),
      ElementsAre("WEBHOOK_ENDPOINT has no effect: this version does not have webhooks",
                  "MONGODB_URI has no effect: this version does not have a store in MongoDB"));
}

TEST_F(ConfigurationTest, DoesNotWarnOfFeaturesThatAreSwitchedOff) {
  variable("JWT_KEY", "own");
  variable("WEBHOOK_ENABLED", "false");
  variable("CACHE_ENABLED", "0");
  EXPECT_THAT(load()->warnings(), IsEmpty());
}

TEST_F(ConfigurationTest, PrefersTheCurrentNameToItsAlias) {
  variable("WEBHOOK_ENDPOINTS", "http://a");
  variable("WEBHOOK_ENDPOINT", "http://b");
  const auto loaded = load();
  EXPECT_EQ(loaded->given("webhook-endpoints").text, "http://a");
  EXPECT_EQ(loaded->given("webhook-endpoints").source, "WEBHOOK_ENDPOINTS");
}

TEST_F(ConfigurationTest, WarnsIfNothingIsConsumed) {
  variable("JWT_KEY", "own");
  variable("ACTIVE_QUEUES", "none");
  EXPECT_THAT(load()->warnings(), ElementsAre("ACTIVE_QUEUES: no queue is consumed"));
}

// --- Declarations -------------------------------------------------------------------

TEST(Settings, AreDeclaredOnceWithAValidDefault) {
  std::map<std::string_view, int> names;
  for (const Setting& setting : settings()) {
    Config config;
    EXPECT_EQ(setting.apply(setting.fallback, config), "") << setting.key;
    for (const auto name : {setting.key, setting.short_flag, setting.variable, setting.alias}) {
      EXPECT_TRUE(name.empty() || ++names[name] == 1) << name << " is declared twice";
    }
    EXPECT_FALSE(setting.variable.empty()) << setting.key;
    EXPECT_FALSE(setting.help.empty()) << setting.key;
  }
}

TEST(Settings, HaveTheVariablesOfTheNodeServer) {
  for (const char* name : {"RABBITMQ_URI",
                           "MONGODB_URI",
                           "APP_ID",
                           "ACTIVE_QUEUES",
                           "WEBHOOK_ENABLED",
                           "WEBHOOK_ENDPOINTS",
                           "WEBHOOK_EVENTS",
                           "PRESENCE_ENABLED",
                           "PREFETCH_MESSAGES",
                           "AUTO_RESTART",
                           "CACHE_ENABLED",
                           "CACHE_REDIS_HOST",
                           "CACHE_REDIS_PORT",
                           "CACHE_REDIS_PASSWORD",
                           "BUCKET_MSG_CAPACITY",
                           "BUCKET_MSG_REFILL_RATE_PER_MIN",
                           "BUCKET_WH_CAPACITY",
                           "BUCKET_WH_REFILL_RATE_PER_MIN",
                           "BUCKET_BLK_CAPACITY",
                           "BUCKET_BLK_REFILL_RATE_PER_MIN",
                           "METRICS_PORT",
                           "ANALYTICS_ENABLED",
                           "ANALYTICS_EXCHANGE",
                           "ANALYTICS_RABBITMQ_URI",
                           "LOG_LEVEL",
                           "JWT_KEY",
                           "PORT",
                           "BASEURL",
                           "KEY_PEM",
                           "CERT_PEM",
                           "CONTACTS_LOOKUP_ENDPOINT",
                           "PUSH_ENABLED",
                           "FIREBASE_PROJECT_ID",
                           "FIREBASE_PRIVATE_KEY",
                           "FIREBASE_CLIENT_EMAIL",
                           "WEB_CLICK_ACTION",
                           "MOBILE_CLICK_ACTION",
                           "PUSH_WH_WEBHOOK_TOKEN",
                           "PUSH_WH_NOTIFY_URL",
                           "PUSH_WH_CHAT21_API_ADMIN_TOKEN"}) {
    EXPECT_TRUE(std::any_of(settings().begin(), settings().end(), [name](const Setting& setting) {
      return setting.variable == name;
    })) << name;
  }
}

// --- The example --------------------------------------------------------------------

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_F(ConfigurationTest, AcceptsTheExampleAsItIs) {
  file(read(CHAT21_EXAMPLE_CONFIG));
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->given("rabbitmq-uri").origin, Given::Origin::File);
}

TEST_F(ConfigurationTest, FindsEveryDefaultInTheExample) {
  // "#key = value" there is a setting that is not in use; "# " begins a comment.
  std::istringstream lines(read(CHAT21_EXAMPLE_CONFIG));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool unused = line.size() > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '#';
    text += (unused ? line.substr(1) : line) + "\n";
  }
  file(text);
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (const Setting& setting : settings()) {
    const Given& given = loaded->given(setting.key);
    if (setting.group.empty()) continue;
    EXPECT_EQ(given.origin, Given::Origin::File) << setting.key << " is not in the example";
    if (setting.key != "rabbitmq-uri") {
      EXPECT_EQ(given.text, setting.fallback) << setting.key;
    }
  }
}

}  // namespace
}  // namespace chat21::server
