// What passes between client and broker, and how both ends of it are told of the end.
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "tests/websocket/bridging.h"

namespace chat21::server {
namespace {

using namespace std::chrono_literals;
using tests::close_frame;
using tests::frame;
using tests::Frame;
using tests::kBinary;
using tests::kClose;
using tests::kContinuation;
using tests::kPing;
using tests::kPong;
using tests::kText;
using tests::Peer;

constexpr std::size_t kMegabyte = 1U << 20U;

// Bytes that are not the same everywhere.
std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

class Bridge : public tests::Bridging {};

TEST_F(Bridge, PassesBytesOnBothWays) {
  start();
  auto pair = connect();
  pair.client.send(frame(kBinary, "to the broker"));
  EXPECT_EQ(pair.broker.read(13), "to the broker");
  pair.broker.send("to the client");
  const auto answer = pair.read();
  EXPECT_EQ(answer.opcode, kBinary);
  EXPECT_TRUE(answer.is_last);
  EXPECT_EQ(answer.payload, "to the client");
}

TEST_F(Bridge, DoesNotCareHowBytesAreDividedIntoFrames) {
  start();
  auto pair = connect();
  // Several packets in one frame, one packet in many, with a ping in between and empty ones.
  pair.client.send(frame(kBinary, "ab", false) + frame(kContinuation, "", false) +
                   frame(kPing, "?") + frame(kContinuation, "c", false) + frame(kContinuation, "") +
                   frame(kBinary, "") + frame(kBinary, "d"));
  EXPECT_EQ(pair.broker.read(4), "abcd");
  const auto pong = pair.read();
  EXPECT_EQ(pong.opcode, kPong);
  EXPECT_EQ(pong.payload, "?");
  const std::string large = frame(kBinary, "every byte alone");
  for (const char byte : large) pair.client.send(std::string(1, byte));
  EXPECT_EQ(pair.broker.read(16), "every byte alone");
}

TEST_F(Bridge, PassesLargeMessagesOn) {
  start();
  auto pair = connect();
  for (const std::size_t size : {511U, 512U, 513U, 65535U, 65536U, 2U << 20U}) {
    const auto bytes = pattern(size);
    std::thread sender([&] {
      pair.client.send(frame(kBinary, bytes));
      pair.broker.send(bytes);
    });
    EXPECT_EQ(pair.broker.read(size) == bytes, true) << size;
    EXPECT_EQ(pair.read_payloads(size) == bytes, true) << size;
    sender.join();
  }
}

TEST_F(Bridge, RefusesMessagesThatAreTooLong) {
  options.max_message_bytes = 1000;
  start();
  auto pair = connect();
  pair.client.send(frame(kBinary, pattern(1000)));
  EXPECT_EQ(pair.broker.read(1000).size(), 1000U);
  pair.client.send(frame(kBinary, pattern(600), false) + frame(kContinuation, pattern(401)));
  EXPECT_EQ(pair.read().close_code(), 1009U);
  auto other = connect();
  other.client.send(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14));
  EXPECT_EQ(other.read().close_code(), 1009U);
  other.client.vanish();
  EXPECT_EQ(other.broker.rest(), "");
}

TEST_F(Bridge, RefusesText) {
  start();
  auto pair = connect();
  pair.client.send(frame(kBinary, "before") + frame(kText, "text"));
  EXPECT_EQ(pair.broker.rest(), "before");
  pair.broker.vanish();
  EXPECT_EQ(pair.read().close_code(), 1003U);
}

TEST_F(Bridge, ClosesWhatBreaksTheProtocol) {
  start();
  const std::vector<std::string> broken = {
      std::string("\x82\x01x", 3),                       // not masked
      frame(kContinuation, "of nothing"),                //
      frame(kBinary, "a", false) + frame(kBinary, "b"),  // not continued
      frame(3, "unknown"),
      frame(0x40U | kBinary, "reserved bit"),
      frame(kPing, "fragmented", false),
      frame(kPing, std::string(126, 'x')),
      frame(kClose, "x"),
      close_frame(999)};
  for (const auto& bytes : broken) {
    auto pair = connect();
    pair.client.send(bytes);
    EXPECT_EQ(pair.read().close_code(), 1002U) << testing::PrintToString(bytes);
    pair.client.vanish();
    EXPECT_THAT(pair.broker.rest(), testing::AnyOf("", "a"));
  }
}

TEST_F(Bridge, DoesNotWaitForWhoBreaksTheProtocolToClose) {
  start();
  auto pair = connect();
  pair.client.send(frame(3, "unknown"));
  EXPECT_EQ(pair.broker.rest(), "") << "though the client stays";
}

TEST_F(Bridge, ClosesTheBrokersSideAfterAllThatTheClientSent) {
  start();
  auto pair = connect();
  const auto bytes = pattern(kMegabyte);
  std::thread sender([&] { pair.client.send(frame(kBinary, bytes) + close_frame(1000)); });
  EXPECT_TRUE(pair.broker.read(kMegabyte) == bytes);
  EXPECT_EQ(pair.read().close_code(), 1000U) << "answers the close";
  sender.join();
  EXPECT_EQ(pair.client.rest(), "");
  pair.client.vanish();
  EXPECT_EQ(pair.broker.rest(), "");
}

TEST_F(Bridge, ClosesTheBrokersSideIfTheClientIsLost) {
  start();
  auto reset = connect();
  reset.client.vanish();
  EXPECT_EQ(reset.broker.rest(), "");
  auto ended = connect();
  ended.client.send(frame(kBinary, "last"));
  ended.client.end_sending();
  EXPECT_EQ(ended.broker.rest(), "last");
}

TEST_F(Bridge, TellsTheClientThatTheBrokerHasClosed) {
  start();
  auto pair = connect();
  pair.broker.send("last words");
  pair.broker.end_sending();
  EXPECT_EQ(pair.read().payload, "last words");
  EXPECT_EQ(pair.read().close_code(), 1000U);
  pair.client.send(close_frame(1000));
  EXPECT_EQ(pair.client.rest(), "");
  auto broken = connect();
  broken.broker.vanish();
  EXPECT_EQ(broken.read().close_code(), 1011U);
}

TEST_F(Bridge, DoesNotWaitForeverForTheClientToCloseAsWell) {
  start();
  auto pair = connect();
  pair.broker.end_sending();
  EXPECT_EQ(pair.read().close_code(), 1000U);
  EXPECT_EQ(pair.client.rest(), "") << "though it has not answered";
}

// A client that sends without reading, and a broker that does not read: how much of it is
// taken shows how much waits in between, the buffers of the kernels of both sides included.
TEST_F(Bridge, StopsAClientWhoseBrokerDoesNotRead) {
  start();
  auto pair = connect();
  const auto message = pattern(kMegabyte);
  const auto one = frame(kBinary, message);
  std::string all;
  for (int i = 0; i < 16; ++i) all += one;
  const auto taken = pair.client.send_until_stuck(all, 500);
  EXPECT_LT(taken, 12 * kMegabyte);
  std::thread sender([&] { pair.client.send(std::string_view(all).substr(taken)); });
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(pair.broker.read(kMegabyte) == message);
  sender.join();
}

TEST_F(Bridge, StopsABrokerWhoseClientDoesNotRead) {
  start();
  auto pair = connect();
  const auto all = pattern(16 * kMegabyte);
  const auto taken = pair.broker.send_until_stuck(all, 500);
  EXPECT_LT(taken, 12 * kMegabyte);
  std::thread sender([&] { pair.broker.send(std::string_view(all).substr(taken)); });
  EXPECT_TRUE(pair.read_payloads(all.size()) == all);
  sender.join();
}

TEST_F(Bridge, ClosesOnAClientThatDoesNotReadAnyMore) {
  options.stall_timeout = 300ms;
  start();
  auto pair = connect();
  auto other = connect();
  (void)pair.broker.send_until_stuck(pattern(16 * kMegabyte), 10000);
  EXPECT_EQ(pair.broker.rest(), "") << "closed";
  other.broker.send("others are served");
  EXPECT_EQ(other.read().payload, "others are served");
}

TEST_F(Bridge, AnswersPingsOfAClientThatDoesNotReadThemOnlyAsFarAsThereIsRoom) {
  start();
  auto pair = connect();
  std::string pings;
  const auto one = frame(kPing, std::string(125, 'p'));
  while (pings.size() < 16 * kMegabyte) pings += one;
  EXPECT_LT(pair.client.send_until_stuck(pings, 500), pings.size());
}

TEST_F(Bridge, ServesManyAtTheSameTime) {
  constexpr std::size_t kClients = 200;
  start();
  std::vector<Joined> pairs;
  for (std::size_t i = 0; i < kClients; ++i) pairs.push_back(connect());
  for (auto& pair : pairs) pair.client.send(frame(kBinary, "to the broker"));
  for (auto& pair : pairs) EXPECT_EQ(pair.broker.read(13), "to the broker");
  for (auto& pair : pairs) pair.broker.send("to the client");
  for (auto& pair : pairs) EXPECT_EQ(pair.read().payload, "to the client");
}

TEST_F(Bridge, TellsEverybodyThatItStops) {
  start();
  Peer unused = peer();
  auto idle = connect();
  EXPECT_TRUE(idle.client.send(frame(kBinary, "x")));
  EXPECT_EQ(idle.broker.read(1),
            "x");  // earlier it would be stopped in the middle of the handshake
  auto busy = connect();
  std::thread broker([&] {
    while (busy.broker.send(pattern(10000))) {
    }
  });
  std::thread brokers([&] {
    EXPECT_EQ(idle.broker.rest(), "");
    idle.broker.vanish();
  });
  std::thread reader([&] {
    while (!busy.client.read(1).empty()) {
    }
  });
  bridge_.reset();
  EXPECT_EQ(unused.rest(), "");
  EXPECT_EQ(idle.read().close_code(), 1001U);
  broker.join();
  brokers.join();
  reader.join();
}

TEST_F(Bridge, StopsThoughNobodyAnswers) {
  start();
  auto idle = connect();
  auto stuck = connect();
  (void)stuck.broker.send_until_stuck(pattern(16 * kMegabyte), 200);
  auto closing = connect();
  closing.broker.end_sending();
  EXPECT_EQ(closing.read().close_code(), 1000U);
  bridge_.reset();
  EXPECT_EQ(closing.client.rest(), "");
  EXPECT_EQ(idle.broker.rest(), "");
}

TEST_F(Bridge, MayStopAtAnyTime) {
  for (int round = 0; round < 10; ++round) {
    start();
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([pair = connect()]() mutable {
        while (pair.client.send(frame(kBinary, "x")) && !pair.broker.read(1).empty() &&
               pair.broker.send("y") && pair.read().opcode == kBinary) {
        }
        pair.broker.vanish();
      });
    }
    bridge_.reset();
    for (auto& client : clients) client.join();
  }
}

}  // namespace
}  // namespace chat21::server
