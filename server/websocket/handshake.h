// Whether a request may become a WebSocket that carries MQTT (RFC 6455 §4.2, MQTT 3.1.1 §6).
// Pure.
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/message.h"

namespace chat21::server {

using HandshakeRequest = boost::beast::http::request<boost::beast::http::empty_body>;

// The answer to a request that may not; nothing if it may.
//
// A browser's Origin is not looked at: pages of any site may connect. What a connection may
// do is decided by the token in its CONNECT packet, which a page has to know, and not by a
// cookie, which the browser would send along for a page of a stranger.
std::optional<HttpResponse> refusal_of(const HandshakeRequest& request, std::string_view path);

// The sub-protocol that the answer names. Empty if the client offers none: RabbitMQ lets
// such clients in as well.
std::string subprotocol_of(const HandshakeRequest& request);

}  // namespace chat21::server
