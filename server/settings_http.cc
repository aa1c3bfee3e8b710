// Settings of the REST API and of push notifications. Those with the name of a variable
// of the Node server mean the same.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "server/apply.h"
#include "server/settings.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using Shape = Setting::Shape;
using Show = Setting::Show;

constexpr std::string_view kHttp = "REST API";
constexpr std::string_view kPush = "Push notifications";
constexpr std::uint64_t kKiB = 1U << 10U;
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kMaxPort = std::numeric_limits<std::uint16_t>::max();

bool is_path_letter(char letter) {
  constexpr std::string_view kOthers = "/-._~";
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || kOthers.find(letter) != std::string_view::npos;
}

std::string apply_base_url(std::string_view value, Config& config) {
  if (value == "/") {
    value = {};  // a variable cannot be empty
  }
  const bool good = value.empty() || (value.starts_with('/') && !value.ends_with('/') &&
                                      value.find("//") == std::string_view::npos &&
                                      std::all_of(value.begin(), value.end(), is_path_letter));
  config.base_url = value;
  return good ? "" : "must be / or a path like /api: letters, digits and -._~, no / at its end";
}

Apply http_address(std::string Config::*member) {
  return [=](std::string_view value, Config& config) -> std::string {
    config.*member = value;
    return value.empty() || is_uri(value, {"http", "https"}) ? ""
                                                             : "must be http:// or https://...";
  };
}

std::vector<Setting> declare_service() {
  return {
      {.key = "http-enabled",
       .variable = "HTTP_ENABLED",
       .fallback = "true",
       .group = kHttp,
       .help = "serve the REST API",
       .apply = boolean(&Config::http_enabled),
       .shape = Shape::Switch},
      {.key = "http-address",
       .variable = "HTTP_ADDRESS",
       .placeholder = "ADDRESS",
       .fallback = "0.0.0.0",
       .group = kHttp,
       .help = "where to listen; 0.0.0.0 is everywhere, 127.0.0.1 this machine alone",
       .apply = address(&Config::http_address)},
      {.key = "port",
       .variable = "PORT",
       .placeholder = "N",
       .fallback = "8004",
       .group = kHttp,
       .help = "0 to 65535; 0: any that is free, the log says which",
       .apply = number(&Config::http_port, 0, kMaxPort)},
      {.key = "base-url",
       .variable = "BASEURL",
       .placeholder = "PATH",
       .fallback = "/api",
       .group = kHttp,
       .help = "what the paths of requests begin with; / for nothing",
       .apply = apply_base_url},
      {.key = "cert-pem",
       .variable = "CERT_PEM",
       .placeholder = "FILE",
       .group = kHttp,
       .help = "certificate, with key-pem: serves HTTPS and no HTTP; and engine\n"
               "embedded wss and no ws",
       .apply = text(&Config::cert_pem, true)},
      {.key = "key-pem",
       .variable = "KEY_PEM",
       .placeholder = "FILE",
       .group = kHttp,
       .help = "private key of the certificate",
       .apply = text(&Config::key_pem, true)},
      {.key = "contacts-lookup-endpoint",
       .variable = "CONTACTS_LOOKUP_ENDPOINT",
       .placeholder = "URL",
       .group = kHttp,
       .help = "GET URL/{id} tells the name of a user; empty: it is the id",
       .apply = http_address(&Config::contacts_endpoint),
       .show = Show::MaskedUri},
  };
}

std::vector<Setting> declare_limits() {
  return {
      {.key = "http-threads",
       .variable = "HTTP_THREADS",
       .placeholder = "N",
       .fallback = "4",
       .group = kHttp,
       .help = "requests worked on at the same time, 1 to 64; those that\n"
               "change something wait for the broker and have 32 threads besides",
       .apply = number(&Config::http_threads, 1, 64)},
      {.key = "http-readers",
       .variable = "HTTP_READERS",
       .placeholder = "N",
       .fallback = "1",
       .group = kHttp,
       .help = "of these, how many read the store at the same time, 1 to 64: each may\n"
               "keep a processor busy that messages would need",
       .apply = number(&Config::http_readers, 1, 64)},
      {.key = "http-nice",
       .variable = "HTTP_NICE",
       .placeholder = "N",
       .fallback = "10",
       .group = kHttp,
       .help = "how much requests give way to messages, 0 to 19 (see nice(1))",
       .apply = number(&Config::http_nice, 0, 19)},
      {.key = "http-max-body",
       .variable = "HTTP_MAX_BODY",
       .placeholder = "BYTES",
       .fallback = "100KiB",
       .group = kHttp,
       .help = "larger requests are refused, 1KiB to 16MiB",
       .apply = bytes(&Config::http_max_body, kKiB, 16 * kMiB, "1KiB to 16MiB")},
      {.key = "http-max-header",
       .variable = "HTTP_MAX_HEADER",
       .placeholder = "BYTES",
       .fallback = "16KiB",
       .group = kHttp,
       .help = "of all headers of a request, 1KiB to 1MiB",
       .apply = bytes(&Config::http_max_header, kKiB, kMiB, "1KiB to 1MiB")},
      {.key = "http-max-connections",
       .variable = "HTTP_MAX_CONNECTIONS",
       .placeholder = "N",
       .fallback = "1024",
       .group = kHttp,
       .help = "open at the same time, 1 to 65535",
       .apply = number(&Config::http_max_connections, 1, 65535)},
      {.key = "http-request-timeout",
       .variable = "HTTP_REQUEST_TIMEOUT",
       .placeholder = "TIME",
       .fallback = "30s",
       .group = kHttp,
       .help = "for a request to arrive, and as long for its answer, 1s to 1h",
       .apply = duration(&Config::http_request_timeout, 1s, 1h, "1s to 1h")},
      {.key = "http-apply-timeout",
       .variable = "HTTP_APPLY_TIMEOUT",
       .placeholder = "TIME",
       .fallback = "10s",
       .group = kHttp,
       .help = "how long an answer waits for the broker, and for a change to be\n"
               "carried out, 100ms to 10m",
       .apply = duration(&Config::http_apply_timeout, 100ms, 10min, "100ms to 10m")},
  };
}

std::vector<Setting> declare_push() {
  return {
      {.key = "push-enabled",
       .variable = "PUSH_ENABLED",
       .fallback = "false",
       .group = kPush,
       .help = "notify sleeping devices, through push-endpoint",
       .apply = boolean(&Config::push_enabled),
       .shape = Shape::Switch},
      // Addresses of webhooks often carry a token in path or query.
      {.key = "push-endpoint",
       .variable = "PUSH_ENDPOINT",
       .placeholder = "URL",
       .group = kPush,
       .help = "where notifications are posted, http:// or https://",
       .apply = http_address(&Config::push_endpoint),
       .show = Show::Never},
      {.key = "web-click-action",
       .variable = "WEB_CLICK_ACTION",
       .placeholder = "TEXT",
       .fallback = "NEW_MESSAGE",
       .group = kPush,
       .help = "what a notification opens in a browser",
       .apply = text(&Config::web_click_action, true)},
      {.key = "mobile-click-action",
       .variable = "MOBILE_CLICK_ACTION",
       .placeholder = "TEXT",
       .fallback = "NEW_MESSAGE",
       .group = kPush,
       .help = "what a notification opens on a phone",
       .apply = text(&Config::mobile_click_action, true)},
      {.key = "push-wh-webhook-token",
       .variable = "PUSH_WH_WEBHOOK_TOKEN",
       .placeholder = "TOKEN",
       .group = kPush,
       .help = "what callers of the relay of webhooks must know; empty: no relay",
       .apply = text(&Config::relay_token, true),
       .show = Show::Never},
      {.key = "push-wh-notify-url",
       .variable = "PUSH_WH_NOTIFY_URL",
       .placeholder = "URL",
       .group = kPush,
       .help = "where the relay posts to",
       .apply = http_address(&Config::relay_url),
       .show = Show::Never},
      {.key = "push-wh-chat21-api-admin-token",
       .variable = "PUSH_WH_CHAT21_API_ADMIN_TOKEN",
       .placeholder = "TOKEN",
       .group = kPush,
       .help = "the Authorization header that the relay sends",
       .apply = text(&Config::relay_authorization, true),
       .show = Show::Never},
  };
}

}  // namespace

std::vector<Setting> declare_http_settings() {
  std::vector<Setting> all = declare_service();
  for (const auto& part : {declare_limits(), declare_push()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace chat21::server
