// The settings of the REST API and of push notifications.

#include <chrono>

#include "tests/server/configuration_case.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST_F(ConfigurationTest, HasDefaultsForTheRestApi) {
  const Config c = config();
  EXPECT_TRUE(c.http_enabled);
  EXPECT_EQ(c.http_address, "0.0.0.0");
  EXPECT_EQ(c.http_port, 8004);
  EXPECT_EQ(c.base_url, "/api");
  EXPECT_EQ(c.cert_pem, "");
  EXPECT_EQ(c.key_pem, "");
  EXPECT_EQ(c.contacts_endpoint, "");
  EXPECT_EQ(c.http_threads, 4U);
  EXPECT_EQ(c.http_nice, 10);
  EXPECT_EQ(c.http_max_body, 102400U);
  EXPECT_EQ(c.http_max_header, 16384U);
  EXPECT_EQ(c.http_max_connections, 1024U);
  EXPECT_EQ(c.http_request_timeout, 30s);
  EXPECT_EQ(c.http_apply_timeout, 10s);
  EXPECT_FALSE(c.push_enabled);
  EXPECT_EQ(c.push_endpoint, "");
  EXPECT_EQ(c.web_click_action, "NEW_MESSAGE");
  EXPECT_EQ(c.mobile_click_action, "NEW_MESSAGE");
  EXPECT_EQ(c.relay_token, "");
  EXPECT_EQ(c.relay_url, "");
  EXPECT_EQ(c.relay_authorization, "");
}

TEST_F(ConfigurationTest, ReadsEverySettingOfTheRestApiFromItsVariable) {
  variable("HTTP_ENABLED", "false");
  variable("HTTP_ADDRESS", "::1");
  variable("PORT", "0");
  variable("BASEURL", "/chat/v1");
  variable("CERT_PEM", "c.pem");
  variable("KEY_PEM", "k.pem");
  variable("CONTACTS_LOOKUP_ENDPOINT", "https://contacts/x");
  variable("HTTP_THREADS", "64");
  variable("HTTP_NICE", "0");
  variable("HTTP_MAX_BODY", "1MiB");
  variable("HTTP_MAX_HEADER", "8KiB");
  variable("HTTP_MAX_CONNECTIONS", "1");
  variable("HTTP_REQUEST_TIMEOUT", "5s");
  variable("HTTP_APPLY_TIMEOUT", "1500ms");
  variable("PUSH_ENABLED", "true");
  variable("PUSH_ENDPOINT", "http://push/");
  variable("WEB_CLICK_ACTION", "w");
  variable("MOBILE_CLICK_ACTION", "m");
  variable("PUSH_WH_WEBHOOK_TOKEN", "t");
  variable("PUSH_WH_NOTIFY_URL", "http://relay/");
  variable("PUSH_WH_CHAT21_API_ADMIN_TOKEN", "a");
  const Config c = config();
  EXPECT_FALSE(c.http_enabled);
  EXPECT_EQ(c.http_address, "::1");
  EXPECT_EQ(c.http_port, 0);
  EXPECT_EQ(c.base_url, "/chat/v1");
  EXPECT_EQ(c.cert_pem, "c.pem");
  EXPECT_EQ(c.key_pem, "k.pem");
  EXPECT_EQ(c.contacts_endpoint, "https://contacts/x");
  EXPECT_EQ(c.http_threads, 64U);
  EXPECT_EQ(c.http_nice, 0);
  EXPECT_EQ(c.http_max_body, 1048576U);
  EXPECT_EQ(c.http_max_header, 8192U);
  EXPECT_EQ(c.http_max_connections, 1U);
  EXPECT_EQ(c.http_request_timeout, 5s);
  EXPECT_EQ(c.http_apply_timeout, 1500ms);
  EXPECT_TRUE(c.push_enabled);
  EXPECT_EQ(c.push_endpoint, "http://push/");
  EXPECT_EQ(c.web_click_action, "w");
  EXPECT_EQ(c.mobile_click_action, "m");
  EXPECT_EQ(c.relay_token, "t");
  EXPECT_EQ(c.relay_url, "http://relay/");
  EXPECT_EQ(c.relay_authorization, "a");
}

TEST_F(ConfigurationTest, TakesASlashForNoBaseUrl) {
  variable("BASEURL", "/");
  EXPECT_EQ(config().base_url, "");
  flag("base-url", "");
  EXPECT_EQ(config().base_url, "");
}

TEST_F(ConfigurationTest, NeedsBothFilesOfHttpsToRun) {
  flag("rabbitmq-uri", "amqp://h");
  flag("store", (folder_ / "x.db").string());
  const std::string there = (folder_ / "there.pem").string();
  std::ofstream{there};
  flag("cert-pem", there);
  EXPECT_EQ(load()->check_runnable().error().message,
            "--cert-pem=" + there + ": must be given together with key-pem");
  variable("KEY_PEM", "/nonexistent/key.pem");
  EXPECT_EQ(load()->check_runnable().error().message,
            "KEY_PEM=/nonexistent/key.pem: cannot read it: No such file or directory");
  flag("key-pem", there);
  EXPECT_TRUE(load()->check_runnable());
}

TEST_F(ConfigurationTest, NeedsSomewhereToPushToRun) {
  flag("rabbitmq-uri", "amqp://h");
  flag("store", (folder_ / "x.db").string());
  flag("push-enabled", "true");
  flag("push-wh-webhook-token", "hidden");
  EXPECT_EQ(load()->check_runnable().error().message,
            "--push-enabled=true: needs PUSH_ENDPOINT, the address that notifications go to\n"
            "--push-wh-webhook-token=***: needs PUSH_WH_NOTIFY_URL");
  flag("push-endpoint", "http://push");
  flag("push-wh-notify-url", "http://relay");
  EXPECT_TRUE(load()->check_runnable());
}

TEST_F(ConfigurationTest, DoesNotAskForWhatAServerWithoutTheRestApiDoesNotUse) {
  flag("rabbitmq-uri", "amqp://h");
  flag("store", (folder_ / "x.db").string());
  flag("push-enabled", "true");
  flag("key-pem", "/nonexistent");
  flag("http-enabled", "false");
  EXPECT_TRUE(load()->check_runnable());
}

}  // namespace
}  // namespace chat21::server
