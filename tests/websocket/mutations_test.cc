// Handshakes and frames, broken at random places in ways that a seed repeats, against the
// sockets of a real bridge.
#include "tests/support/mutations.h"

#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "tests/websocket/bridging.h"

namespace chat21::server {
namespace {

using tests::close_frame;
using tests::frame;
using tests::kBinary;
using tests::kContinuation;
using tests::kPing;
using tests::kText;
using tests::ListeningSocket;
using tests::Peer;
using tests::upgrade;

constexpr std::array<std::string_view, 15> kTokens = {
    "\r\n",         "\n",           "\r\n\r\n",      " ",     ":",        ",",
    "websocket",    "13",           "/ws",           "mqtt,", "\x82\x7f", "\x88\x80",
    "\x89\xfe\xff", "\xff\xff\xff", "Upgrade: x\r\n"};

constexpr tests::Mutating kMutating{.tokens = kTokens, .longest_run = 2000};

class Mutations : public tests::Bridging {
 protected:
  // The broker takes all that comes, and closes when the client does.
  void run_broker(int connections) {
    for (int i = 0; i < connections; ++i) {
      Peer connection = broker_.accept();
      connection.send("from the broker");
      received_ += connection.rest().size();
    }
  }

  std::size_t received_ = 0;
};

// In two parts, so that every boundary is somewhere in the middle of something.
void send_in_parts(Peer& client, std::string_view bytes, std::size_t cut) {
  client.send(bytes.substr(0, cut));
  client.send(bytes.substr(cut));
}

TEST_F(Mutations, OfTheHandshakeLeaveTheBridgeAsItWas) {
  constexpr int kCases = 1500;
  start();
  auto kept = connect();
  std::atomic<bool> over = false;
  std::thread broker([&] {  // some are still valid
    while (!over) {
      if (broker_.has_visitor_within(10)) (void)broker_.accept();
    }
  });
  std::mt19937_64 random(20250102);
  for (int i = 0; i < kCases; ++i) {
    const auto request = tests::mutate(random, upgrade(), kMutating);
    Peer client = peer();
    send_in_parts(client, request, random() % (request.size() + 1));
    client.end_sending();
    const auto said = client.rest();
    EXPECT_TRUE(said.empty() || said.starts_with("HTTP/1.1 ")) << request << "\nsaid: " << said;
    if (i % 100 != 0) continue;
    kept.client.send(frame(kBinary, "alive"));
    EXPECT_EQ(kept.broker.read(5), "alive") << "after: " << request;
  }
  over = true;
  broker.join();
}

TEST_F(Mutations, OfFramesLeaveTheBridgeAsItWas) {
  constexpr int kCases = 1500;
  options.max_message_bytes = 4096;
  start();
  auto kept = connect();
  std::thread broker([this] { run_broker(kCases); });
  std::mt19937_64 random(20250103);
  const std::string valid = frame(kBinary, "one") + frame(kBinary, "two", false) +
                            frame(kPing, "ping") + frame(kContinuation, std::string(300, 'x')) +
                            frame(kBinary, std::string(70000, 'y')).substr(0, 600) +
                            close_frame(1000) + frame(kText, "text");
  for (int i = 0; i < kCases; ++i) {
    const auto bytes = tests::mutate(random, valid, kMutating);
    Peer client = peer();
    client.send(upgrade());
    EXPECT_EQ(client.answer().status, 101U);
    send_in_parts(client, bytes, random() % (bytes.size() + 1));
    client.end_sending();
    const auto said = client.rest();
    EXPECT_LT(said.size(), 10000U);
    if (i % 100 != 0) continue;
    kept.client.send(frame(kBinary, "alive"));
    EXPECT_EQ(kept.broker.read(5), "alive");
  }
  broker.join();
  EXPECT_GT(received_, 0U);
}

}  // namespace
}  // namespace chat21::server
