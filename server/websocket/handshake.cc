#include "server/websocket/handshake.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/verb.hpp>

#include "server/http/answers.h"

namespace chat21::server {
namespace {

namespace http = boost::beast::http;

// In the order in which we like them.
constexpr std::array<std::string_view, 2> kSubprotocols = {"mqtt", "mqttv3.1"};

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// A list may be spread over several headers. Names of sub-protocols have to match exactly,
// other tokens in any case.
template <class Matches>
bool lists(const HandshakeRequest& request, http::field field, const Matches& matches) {
  const auto [begin, end] = request.equal_range(field);
  return std::any_of(begin, end, [&](const auto& header) {
    const http::token_list tokens(header.value());
    return std::any_of(tokens.begin(), tokens.end(), matches);
  });
}

bool names(const HandshakeRequest& request, http::field field, boost::beast::string_view token) {
  return lists(request, field,
               [&](const auto& listed) { return boost::beast::iequals(listed, token); });
}

bool offers(const HandshakeRequest& request, std::string_view subprotocol) {
  return lists(request, http::field::sec_websocket_protocol,
               [&](const auto& listed) { return view(listed) == subprotocol; });
}

// 16 bytes in base64.
bool is_key(std::string_view key) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == 24 && key.ends_with("==") &&
         key.substr(0, 22).find_first_not_of(kDigits) == std::string_view::npos;
}

std::string_view path_of(const HandshakeRequest& request) {
  const auto target = view(request.target());
  return target.substr(0, target.find('?'));
}

bool has_body(const HandshakeRequest& request) {
  if (request.count(http::field::transfer_encoding) > 0) return true;
  const auto length = request.find(http::field::content_length);
  return length != request.end() && length->value() != "0";
}

HttpResponse with_header(HttpResponse response, std::string name, std::string value) {
  response.headers.emplace_back(std::move(name), std::move(value));
  return response;
}

}  // namespace

std::optional<HttpResponse> refusal_of(const HandshakeRequest& request, std::string_view path) {
  if (request.version() == 11 && request.count(http::field::host) != 1) return problem(400);
  if (path_of(request) != path) {
    return problem(404,
                   "There is nothing here; MQTT over WebSocket is at " + std::string(path) + ".");
  }
  if (request.method() != http::verb::get) {
    return with_header(problem(405, "A WebSocket begins with GET."), "Allow", "GET");
  }
  if (has_body(request)) return problem(400, "A WebSocket begins without a body.");
  if (request.version() != 11 || !names(request, http::field::connection, "upgrade") ||
      !names(request, http::field::upgrade, "websocket")) {
    return with_header(problem(426, "Only MQTT over WebSocket is spoken here (RFC 6455)."),
                       "Upgrade", "websocket");
  }
  if (request[http::field::sec_websocket_version] != "13") {
    return with_header(problem(426, "The version of WebSocket has to be 13."),
                       "Sec-WebSocket-Version", "13");
  }
  if (request.count(http::field::sec_websocket_key) != 1 ||
      !is_key(view(request[http::field::sec_websocket_key]))) {
    return problem(400, "Sec-WebSocket-Key has to be 16 bytes in base64.");
  }
  if (request.count(http::field::sec_websocket_protocol) > 0 && subprotocol_of(request).empty()) {
    return problem(400, "None of the sub-protocols is known; known are mqtt and mqttv3.1.");
  }
  return std::nullopt;
}

std::string subprotocol_of(const HandshakeRequest& request) {
  const auto* const chosen = std::find_if(kSubprotocols.begin(), kSubprotocols.end(),
                                          [&](auto known) { return offers(request, known); });
  return chosen == kSubprotocols.end() ? std::string() : std::string(*chosen);
}

}  // namespace chat21::server
