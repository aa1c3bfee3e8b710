#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <string>

#include "server/websocket/handshake.h"
#include "tests/fuzz/http/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {

void fuzz_handshake(std::string_view input) {
  namespace http = boost::beast::http;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(4096);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(input.data(), input.size()), error);
  if (error || !parser.is_header_done()) return;
  const server::HandshakeRequest& request = parser.get();
  const std::string protocol = server::subprotocol_of(request);
  promise(protocol.empty() || protocol == "mqtt" || protocol == "mqttv3.1",
          "a sub-protocol is one of ours");
  const auto refusal = server::refusal_of(request, "/ws");
  if (refusal) {
    promise(refusal->status >= 400 && refusal->status < 500, "it is the client who is wrong");
    return;
  }
  promise(request.method() == http::verb::get && request.version() == 11 &&
              request[http::field::sec_websocket_version] == "13" &&
              request.count(http::field::host) == 1 &&
              request[http::field::sec_websocket_key].size() == 24 &&
              (request.count(http::field::sec_websocket_protocol) == 0 || !protocol.empty()),
          "what becomes a WebSocket asks for one");
  promise(request.target().starts_with("/ws"), "a WebSocket is at its path");
}

}  // namespace chat21::tests
