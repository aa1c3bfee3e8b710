// Settings of the Node server whose feature this version does not have. They are
// read and checked, so that its configurations work unchanged, and a warning says
// that they have no effect.
//
// To give one its effect: declare it in settings.cc with a member of Config.
#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/settings.h"
#include "server/values.h"

namespace chat21::server {
namespace {

using Shape = Setting::Shape;
using Show = Setting::Show;

std::string check_bool(std::string_view value, Config&) {
  return parse_bool(value) ? "" : "must be true or false";
}

std::string check_text(std::string_view, Config&) {
  return {};
}

std::string check_range(std::string_view text, std::uint64_t least, std::uint64_t most) {
  const auto value = parse_number(text);
  const bool good = value && *value >= least && *value <= most;
  return good ? "" : fmt::format("must be {} to {}", least, most);
}

std::string check_port(std::string_view text, Config&) {
  return check_range(text, 1, 65535);
}

std::string check_optional_port(std::string_view text, Config& config) {
  return text.empty() ? "" : check_port(text, config);
}

std::string check_bucket(std::string_view text, Config&) {
  return check_range(text, 1, 1'000'000'000);
}

std::string check_endpoints(std::string_view value, Config&) {
  const auto endpoints = split_list(value);
  const bool good = std::all_of(endpoints.begin(), endpoints.end(), [](std::string_view uri) {
    return is_uri(uri, {"http", "https"});
  });
  return good ? "" : "must be a list of http:// or https:// addresses";
}

std::string check_events(std::string_view value, Config&) {
  static constexpr std::array<std::string_view, 7> kEvents = {
      "message-sent",           "message-delivered",     "message-received",
      "message-return-receipt", "conversation-archived", "conversation-unarchived",
      "presence-change"};
  const auto names = split_list(value);
  const bool good = std::all_of(names.begin(), names.end(), [](std::string_view name) {
    return std::find(kEvents.begin(), kEvents.end(), name) != kEvents.end();
  });
  return good ? "" : fmt::format("must be a list of {}", fmt::join(kEvents, ", "));
}

std::string check_amqp_uri(std::string_view value, Config&) {
  return value.empty() || is_uri(value, {"amqp", "amqps"}) ? "" : "must be amqp:// or amqps://...";
}

std::string check_mongodb_uri(std::string_view value, Config&) {
  return value.empty() || is_uri(value, {"mongodb", "mongodb+srv"})
             ? ""
             : "must be mongodb:// or mongodb+srv://...";
}

// The common case; the caller adds what is particular.
Setting later(std::string_view key, std::string_view variable, std::string_view fallback,
              std::string_view feature, std::string (*check)(std::string_view, Config&)) {
  return {.key = key,
          .variable = variable,
          .placeholder = "VALUE",
          .fallback = fallback,
          .group = "Taken from configurations of the Node server, without effect in this version",
          .help = feature,
          .apply = check,
          .missing_feature = feature};
}

Setting later_switch(std::string_view key, std::string_view variable, std::string_view fallback,
                     std::string_view feature) {
  Setting setting = later(key, variable, fallback, feature, check_bool);
  setting.shape = Shape::Switch;
  return setting;
}

Setting later_secret(std::string_view key, std::string_view variable, std::string_view feature,
                     std::string (*check)(std::string_view, Config&), Show show) {
  Setting setting = later(key, variable, "", feature, check);
  setting.show = show;
  return setting;
}

std::vector<Setting> declare_webhooks() {
  constexpr std::string_view kWebhooks = "webhooks";
  // Addresses of webhooks often carry a token in path or query.
  Setting endpoints = later_secret("webhook-endpoints", "WEBHOOK_ENDPOINTS", kWebhooks,
                                   check_endpoints, Show::Never);
  endpoints.alias = "WEBHOOK_ENDPOINT";
  endpoints.shape = Shape::List;
  Setting events = later("webhook-events", "WEBHOOK_EVENTS", "", kWebhooks, check_events);
  events.shape = Shape::List;
  return {later_switch("webhook-enabled", "WEBHOOK_ENABLED", "true", kWebhooks), endpoints, events,
          later_switch("presence-enabled", "PRESENCE_ENABLED", "false", "presence webhooks")};
}

std::vector<Setting> declare_services() {
  constexpr std::string_view kAnalytics = "analytics";
  constexpr std::string_view kCache = "the Redis cache";
  constexpr std::string_view kFirebase = "Firebase, whose place PUSH_ENDPOINT takes";
  return {
      later("metrics-port", "METRICS_PORT", "9090", "metrics", check_port),
      later_switch("analytics-enabled", "ANALYTICS_ENABLED", "false", kAnalytics),
      later("analytics-exchange", "ANALYTICS_EXCHANGE", "tiledesk.analytics", kAnalytics,
            check_text),
      later_secret("analytics-rabbitmq-uri", "ANALYTICS_RABBITMQ_URI", kAnalytics, check_amqp_uri,
                   Show::MaskedUri),
      later_switch("cache-enabled", "CACHE_ENABLED", "false", kCache),
      later("cache-redis-host", "CACHE_REDIS_HOST", "", kCache, check_text),
      later("cache-redis-port", "CACHE_REDIS_PORT", "", kCache, check_optional_port),
      later_secret("cache-redis-password", "CACHE_REDIS_PASSWORD", kCache, check_text, Show::Never),
      later("firebase-project-id", "FIREBASE_PROJECT_ID", "", kFirebase, check_text),
      later("firebase-client-email", "FIREBASE_CLIENT_EMAIL", "", kFirebase, check_text),
      later_secret("firebase-private-key", "FIREBASE_PRIVATE_KEY", kFirebase, check_text,
                   Show::Never),
      later_secret("mongodb-uri", "MONGODB_URI", "a store in MongoDB", check_mongodb_uri,
                   Show::MaskedUri),
  };
}

std::vector<Setting> declare_buckets() {
  constexpr std::string_view kLimits = "rate limits";
  return {
      later("bucket-msg-capacity", "BUCKET_MSG_CAPACITY", "30", kLimits, check_bucket),
      later("bucket-msg-refill-rate-per-min", "BUCKET_MSG_REFILL_RATE_PER_MIN", "30", kLimits,
            check_bucket),
      later("bucket-wh-capacity", "BUCKET_WH_CAPACITY", "10", kLimits, check_bucket),
      later("bucket-wh-refill-rate-per-min", "BUCKET_WH_REFILL_RATE_PER_MIN", "10", kLimits,
            check_bucket),
      later("bucket-blk-capacity", "BUCKET_BLK_CAPACITY", "100", kLimits, check_bucket),
      later("bucket-blk-refill-rate-per-min", "BUCKET_BLK_REFILL_RATE_PER_MIN", "100", kLimits,
            check_bucket),
  };
}

}  // namespace

std::vector<Setting> declare_later_settings() {
  std::vector<Setting> all = declare_webhooks();
  for (const auto& part : {declare_services(), declare_buckets()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace chat21::server
