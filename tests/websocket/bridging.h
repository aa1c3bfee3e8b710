// A bridge on a free port, and the broker that it connects to.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/websocket/bridge.h"
#include "tests/http/peer.h"
#include "tests/websocket/broker.h"
#include "tests/websocket/frames.h"

namespace chat21::tests {

class Bridging : public ::testing::Test {
 protected:
  // A client and what the broker has of it.
  struct Joined {
    Peer client;
    Peer broker;

    Frame read() {
      return read_frame([this](std::size_t size) { return client.read(size); });
    }
    // The payloads of all frames until there are so many bytes.
    std::string read_payloads(std::size_t size) {
      std::string all;
      while (all.size() < size) {
        const auto next = read();
        EXPECT_EQ(next.opcode, kBinary);
        if (next.opcode != kBinary) break;
        all += next.payload;
      }
      return all;
    }
  };

  void start() {
    options.broker_port = broker_.port();
    options.log = [this](const std::string& line) { note(line); };
    auto started = server::WebSocketBridge::start(options);
    ASSERT_TRUE(started) << started.error().message;
    bridge_ = *std::move(started);
  }

  Peer peer() const { return Peer(bridge_->port()); }

  // A connection after its handshake.
  Joined connect() {
    Peer client = peer();
    client.send(upgrade());
    EXPECT_EQ(client.answer().status, 101U);
    return {std::move(client), broker_.accept()};
  }

  std::vector<std::string> logged() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  server::WebSocketOptions options;
  // Outlives the broker's socket: it need not wait for connections that were never accepted.
  std::unique_ptr<server::WebSocketBridge> bridge_;
  ListeningSocket broker_;

 private:
  void note(const std::string& line) {
    const std::lock_guard lock(mutex_);
    log_.push_back(line);
  }

  std::mutex mutex_;  // guards log_
  std::vector<std::string> log_;
};

}  // namespace chat21::tests
