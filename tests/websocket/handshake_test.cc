// Who becomes a WebSocket, and what the others are told.
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "tests/websocket/bridging.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;
using tests::frame;
using tests::get;
using tests::kBinary;
using tests::Peer;
using tests::PeerAnswer;
using tests::post;
using tests::upgrade;

class Handshake : public tests::Bridging {
 protected:
  PeerAnswer ask(std::string_view request, bool is_head = false) const {
    Peer client = peer();
    client.send(request);
    return client.answer(is_head);
  }

  // Also that the answer is the last thing that is said, and that the broker hears nothing.
  PeerAnswer expect_refused(std::string_view request, unsigned status) {
    Peer client = peer();
    client.send(request);
    auto answer = client.answer();
    EXPECT_EQ(answer.status, status) << request.substr(0, 300);
    EXPECT_THAT(answer.body, testing::StartsWith(R"({"success":false,"err":")"));
    EXPECT_THAT(answer.headers["connection"], HasSubstr("close"));
    EXPECT_EQ(client.rest(), "");
    EXPECT_FALSE(broker_.has_visitor_within(0));
    return answer;
  }
};

// upgrade() with one of its parts changed.
std::string changed(const std::string& from, const std::string& to) {
  auto request = upgrade();
  const auto at = request.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return request.replace(at, from.size(), to);
}

TEST_F(Handshake, AgreesOnTheKeyAndTheSubProtocol) {
  start();
  const auto answer = ask(upgrade());
  EXPECT_EQ(answer.status, 101U);
  // The example of RFC 6455 §1.3.
  EXPECT_THAT(answer.headers,
              Contains(Pair("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
  EXPECT_THAT(answer.headers, Contains(Pair("sec-websocket-protocol", "mqtt")));
  EXPECT_THAT(answer.headers, Contains(Pair("upgrade", "websocket")));
}

TEST_F(Handshake, ChoosesOneOfTheSubProtocols) {
  start();
  const auto chosen = [&](const std::string& headers) {
    auto answer = ask(upgrade("/ws", headers));
    EXPECT_EQ(answer.status, 101U) << headers;
    (void)broker_.accept();
    return answer.headers["sec-websocket-protocol"];
  };
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol: mqttv3.1\r\n"), "mqttv3.1");
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol: chat, mqttv3.1, mqtt\r\n"), "mqtt");
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: mqtt\r\n"), "mqtt");
  EXPECT_EQ(chosen(""), "") << "RabbitMQ lets them in as well";
  expect_refused(upgrade("/ws", "Sec-WebSocket-Protocol: chat, MQTT\r\n"), 400);
  expect_refused(upgrade("/ws", "Sec-WebSocket-Protocol: \r\n"), 400);
}

TEST_F(Handshake, LetsInPagesOfAnySite) {
  start();
  EXPECT_EQ(ask(upgrade("/ws", "Origin: https://elsewhere.example\r\n")).status, 101U);
}

TEST_F(Handshake, OffersNoCompression) {
  start();
  const auto answer = ask(upgrade("/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
  EXPECT_EQ(answer.status, 101U);
  EXPECT_EQ(answer.headers.count("sec-websocket-extensions"), 0U);
}

TEST_F(Handshake, IsAtOnePath) {
  start();
  EXPECT_EQ(ask(upgrade("/ws?any=query")).status, 101U);
  (void)broker_.accept();
  for (const auto* target : {"/", "/ws/", "/WS", "/ws2", "/x/ws", "*", "//ws", "/%77s"}) {
    EXPECT_THAT(expect_refused(upgrade(target), 404).body, HasSubstr("/ws"));
  }
}

TEST_F(Handshake, RefusesOtherMethodsAndBodies) {
  start();
  EXPECT_THAT(expect_refused(post("/ws", "body"), 405).headers, Contains(Pair("allow", "GET")));
  EXPECT_EQ(ask("HEAD /ws HTTP/1.1\r\nHost: a\r\n\r\n", true).status, 405U);
  expect_refused(upgrade("/ws", "Content-Length: 3\r\n"), 400);
  expect_refused(upgrade("/ws", "Transfer-Encoding: chunked\r\n"), 400);
}

TEST_F(Handshake, AsksOthersToUpgrade) {
  start();
  EXPECT_THAT(expect_refused(get("/ws"), 426).headers, Contains(Pair("upgrade", "websocket")));
  expect_refused(changed("keep-alive, Upgrade", "keep-alive"), 426);
  expect_refused(changed("WebSocket\r\n", "h2c\r\n"), 426);
  expect_refused(changed("HTTP/1.1", "HTTP/1.0"), 426);
  const auto version = [](const std::string& other) { return changed("Version: 13", other); };
  EXPECT_THAT(expect_refused(version("Version: 8"), 426).headers,
              Contains(Pair("sec-websocket-version", "13")));
  expect_refused(version("Other: 13"), 426);
}

TEST_F(Handshake, RefusesWhatIsMalformed) {
  start();
  expect_refused("nonsense\r\n\r\n", 400);
  expect_refused(changed("Host: a\r\n", ""), 400);
  expect_refused(changed("Host: a\r\n", "Host: a\r\nHost: b\r\n"), 400);
  expect_refused(changed("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400);
  expect_refused(changed("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ===="), 400);
  expect_refused(changed("dGhlIHNhbXBsZSBub25jZQ==", "dGhl;HNhbXBsZSBub25jZQ=="), 400);
  expect_refused(changed("Key", "Other"), 400);
  expect_refused(upgrade("/ws", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400);
  expect_refused(upgrade() + frame(kBinary, "too early"), 400);
}

TEST_F(Handshake, HasALimitedHeader) {
  start();
  EXPECT_EQ(ask(upgrade("/ws", "Cookie: " + std::string(15000, 'x') + "\r\n")).status, 101U);
  (void)broker_.accept();
  expect_refused(upgrade("/ws", "Cookie: " + std::string(16384, 'x') + "\r\n"), 431);
  expect_refused(upgrade("/ws?" + std::string(100000, 'x')), 431);
}

TEST_F(Handshake, HasToEndInTime) {
  options.handshake_timeout = 200ms;
  start();
  Peer silent = peer();
  Peer slow = peer();
  slow.send("GET /ws HTTP/1.1\r\nHo");
  EXPECT_EQ(silent.rest(), "");
  EXPECT_EQ(slow.rest(), "");
  auto connected = connect();
  connected.broker.send("still here, after longer than that");
  EXPECT_EQ(connected.read().payload, "still here, after longer than that");
}

TEST_F(Handshake, FailsIfTheBrokerIsAway) {
  std::uint16_t nobody = 0;
  {
    const tests::ListeningSocket closed;
    nobody = closed.port();
  }
  start();
  options.broker_port = nobody;
  auto away = WebSocketBridge::start(options);
  ASSERT_TRUE(away);
  for (int i = 0; i < 3; ++i) {
    Peer client((*away)->port());
    client.send(upgrade());
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, 503U);
    EXPECT_THAT(answer.body, HasSubstr("broker"));
  }
  away = fail(Error::Code::Internal, "over");  // waits for its thread
  EXPECT_THAT(logged(), testing::ElementsAre(HasSubstr("Connection refused")));
}

TEST_F(Handshake, IsRefusedToMoreThanTheMost) {
  options.max_connections = 2;
  start();
  auto first = connect();
  auto second = connect();
  expect_refused(upgrade(), 503);
  first.client.vanish();
  EXPECT_EQ(first.broker.rest(), "");
  first.broker.vanish();
  PeerAnswer answer;
  do {
    answer = ask(upgrade());
  } while (answer.status == 503);
  EXPECT_EQ(answer.status, 101U);
  second.broker.send("served");
  EXPECT_EQ(second.read().payload, "served");
}

TEST_F(Handshake, NeedsUsableAddresses) {
  const auto refused = [](const WebSocketOptions& with) {
    auto started = WebSocketBridge::start(with);
    EXPECT_FALSE(started);
    return started ? Error{} : started.error();
  };
  EXPECT_EQ(refused({.address = "here"}).code, Error::Code::InvalidArgument);
  const auto broker = refused({.broker_address = "broker.example"});
  EXPECT_EQ(broker.code, Error::Code::InvalidArgument);
  EXPECT_EQ(broker.message, "cannot connect to 'broker.example': it is not a numeric IP address");
  const auto taken = refused({.port = broker_.port()});
  EXPECT_EQ(taken.code, Error::Code::Unavailable);
  EXPECT_THAT(taken.message, HasSubstr("in use"));
}

}  // namespace
}  // namespace chat21::server
