#include "lib/rabbitmq/uri.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace chat21::rabbitmq {
namespace {

constexpr std::string_view kHeartbeat = "heartbeat=";

Error refuse(std::string_view why) {
  return fail(Error::Code::InvalidArgument, "cannot read the broker's URI: " + std::string(why));
}

// A decimal number in 1..65535.
std::optional<std::uint16_t> positive_number(std::string_view text) {
  std::uint16_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number == 0) return std::nullopt;
  return number;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Nothing for a broken escape, and for NUL: rabbitmq-c takes C strings, and
// would quietly log in with the part before it.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
    decoded += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return decoded;
}

Result<> read_credentials(std::string_view text, Uri& uri) {
  const std::size_t colon = text.find(':');
  auto user = percent_decoded(text.substr(0, colon));
  auto password = percent_decoded(colon == std::string_view::npos ? std::string_view()
                                                                  : text.substr(colon + 1));
  if (!user || !password) return refuse("user or password has a broken %-escape");
  uri.user = std::move(*user);
  uri.password = std::move(*password);
  return {};
}

Result<> read_host_and_port(std::string_view text, Uri& uri) {
  std::string_view host;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return refuse("'[' without ']' around an IPv6 address");
    host = text.substr(1, bracket - 1);
    if (host.empty()) return refuse("there is no address between '[' and ']'");
    rest = text.substr(bracket + 1);
    if (!rest.empty() && rest.front() != ':') return refuse("only ':port' may follow ']'");
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
  }
  if (!host.empty()) {
    auto decoded = percent_decoded(host);
    if (!decoded) return refuse("the host has a broken %-escape");
    uri.host = std::move(*decoded);
  }
  if (rest.empty()) return {};
  const auto port = positive_number(rest.substr(1));
  if (!port) {
    return refuse(
        "what follows the host's ':' must be a port from 1 to 65535"
        " (was the '@' after the password forgotten?)");
  }
  uri.port = *port;
  return {};
}

Result<> read_vhost(std::string_view text, Uri& uri) {
  if (text.empty()) return {};
  if (text.find('/') != std::string_view::npos) {
    return refuse("a '/' in the vhost must be written %2F");
  }
  auto decoded = percent_decoded(text);
  if (!decoded) return refuse("the vhost has a broken %-escape");
  uri.vhost = std::move(*decoded);
  return {};
}

Result<> read_query(std::string_view text, Uri& uri) {
  if (!text.starts_with(kHeartbeat)) {
    return refuse(
        "the only parameter after '?' is heartbeat=SECONDS"
        " (a '?' in the password must be written %3F)");
  }
  const auto seconds = positive_number(text.substr(kHeartbeat.size()));
  if (!seconds) {
    return refuse(
        "heartbeat must be a number of seconds from 1 to 65535;"
        " without heartbeats a dead broker is not noticed");
  }
  uri.heartbeat = *seconds;
  return {};
}

bool is_space_or_control(char c) {
  return (c >= 0 && c <= ' ') || c == 0x7f;
}

}  // namespace

std::string Uri::address() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

Result<Uri> parse_uri(std::string_view text) {
  Uri uri;
  if (std::any_of(text.begin(), text.end(), is_space_or_control)) {
    return refuse("it contains a space or a control character");
  }
  if (text.starts_with("amqp://")) {
    text.remove_prefix(7);
  } else if (text.starts_with("amqps://")) {
    text.remove_prefix(8);
    uri.tls = true;
    uri.port = 5671;
  } else {
    return refuse("it must begin with amqp:// or amqps://");
  }
  if (text.find('#') != std::string_view::npos) return refuse("a '#' must be written %23");

  const std::size_t question = text.find('?');
  const std::string_view before = text.substr(0, question);
  const std::size_t slash = before.find('/');
  std::string_view authority = before.substr(0, slash);

  // The last one, as other URI readers do: an '@' in a password is often left bare.
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (auto read = read_credentials(authority.substr(0, at), uri); !read) return read.error();
    authority.remove_prefix(at + 1);
  }
  if (auto read = read_host_and_port(authority, uri); !read) return read.error();
  if (slash != std::string_view::npos) {
    if (auto read = read_vhost(before.substr(slash + 1), uri); !read) return read.error();
  }
  if (question != std::string_view::npos) {
    if (auto read = read_query(text.substr(question + 1), uri); !read) return read.error();
  }
  return uri;
}

}  // namespace chat21::rabbitmq
