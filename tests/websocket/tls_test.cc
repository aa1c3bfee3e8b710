#include <curl/curl.h>
#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <string>

#include "tests/contract/temp_folder.h"
#include "tests/http/certificate.h"
#include "tests/websocket/bridging.h"

namespace chat21::server {
namespace {

using tests::close_frame;
using tests::Frame;
using tests::frame;
using tests::kBinary;
using tests::Peer;
using tests::read_frame;
using tests::upgrade;

// Sends and receives bytes over TLS; curl knows nothing of what they are.
class TlsPeer {
 public:
  TlsPeer(std::uint16_t port, const std::string& certificate) {
    const auto url = "https://127.0.0.1:" + std::to_string(port);
    curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl_.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl_.get(), CURLOPT_CAINFO, certificate.c_str());
    curl_easy_setopt(curl_.get(), CURLOPT_CONNECT_ONLY, 1L);
    EXPECT_EQ(curl_easy_perform(curl_.get()), CURLE_OK);
    curl_easy_getinfo(curl_.get(), CURLINFO_ACTIVESOCKET, &socket_);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t sent = 0;
      const auto result = curl_easy_send(curl_.get(), bytes.data(), bytes.size(), &sent);
      bytes.remove_prefix(sent);
      if (result == CURLE_AGAIN) {
        wait_for(POLLOUT);
      } else if (result != CURLE_OK) {
        return;
      }
    }
  }

  // So many bytes; fewer if the connection ends before.
  std::string read(std::size_t size) {
    while (received_.size() < size && receive()) {
    }
    auto bytes = received_.substr(0, size);
    received_.erase(0, bytes.size());
    return bytes;
  }

  std::string read_header() {
    while (received_.find("\r\n\r\n") == std::string::npos && receive()) {
    }
    return read(received_.find("\r\n\r\n") + 4);
  }

  Frame read_one() {
    return read_frame([this](std::size_t size) { return read(size); });
  }

 private:
  void wait_for(short event) const {
    pollfd ready = {socket_, event, 0};
    EXPECT_GT(::poll(&ready, 1, 30000), 0);
  }

  bool receive() {
    std::string buffer(65536, '\0');
    for (;;) {
      std::size_t size = 0;
      const auto result = curl_easy_recv(curl_.get(), buffer.data(), buffer.size(), &size);
      received_.append(buffer, 0, size);
      if (result != CURLE_AGAIN) return result == CURLE_OK && size > 0;
      wait_for(POLLIN);
    }
  }

  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_{curl_easy_init(), &curl_easy_cleanup};
  curl_socket_t socket_ = CURL_SOCKET_BAD;
  std::string received_;
};

class Tls : public tests::Bridging {
 protected:
  Tls() {
    tests::make_certificate(certificate_, key_);
    options.certificate_file = certificate_;
    options.key_file = key_;
  }

  contract::TempFolder folder_;
  const std::string certificate_ = folder_ / "certificate.pem";
  const std::string key_ = folder_ / "key.pem";
};

TEST_F(Tls, CarriesTheSame) {
  start();
  TlsPeer client(bridge_->port(), certificate_);
  client.send(upgrade());
  EXPECT_TRUE(client.read_header().starts_with("HTTP/1.1 101 "));
  Peer broker = broker_.accept();
  const std::string large(1U << 20U, 'x');
  client.send(frame(kBinary, large));
  EXPECT_TRUE(broker.read(large.size()) == large);
  broker.send(large.substr(0, 100000));
  std::string received;
  while (received.size() < 100000) received += client.read_one().payload;
  EXPECT_EQ(received.size(), 100000U);
  broker.end_sending();
  EXPECT_EQ(client.read_one().close_code(), 1000U);
  client.send(close_frame(1000));
  EXPECT_EQ(client.read(1), "");
}

TEST_F(Tls, IsStoppedWithItsConnections) {
  start();
  TlsPeer client(bridge_->port(), certificate_);
  client.send(upgrade());
  EXPECT_TRUE(client.read_header().starts_with("HTTP/1.1 101 "));
  Peer broker = broker_.accept();
  client.send(frame(kBinary, "x"));
  EXPECT_EQ(broker.read(1), "x");  // earlier it would be stopped in the middle of the handshake
  broker.end_sending();
  Peer silent = peer();
  bridge_.reset();
  EXPECT_NE(client.read_one().close_code(), 0U);
  EXPECT_EQ(client.read(1), "");
  EXPECT_EQ(silent.rest(), "");
}

TEST_F(Tls, AnswersOverTlsAsWell) {
  start();
  TlsPeer client(bridge_->port(), certificate_);
  client.send(tests::get("/other"));
  EXPECT_TRUE(client.read_header().starts_with("HTTP/1.1 404 "));
}

TEST_F(Tls, IsNotSpokenByEverybody) {
  start();
  Peer client = peer();
  client.send(upgrade());
  client.end_sending();
  EXPECT_EQ(client.rest().find("HTTP/"), std::string::npos);
}

TEST_F(Tls, NeedsItsFiles) {
  options.key_file = "/nonexistent/key.pem";
  const auto started = WebSocketBridge::start(options);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Error::Code::InvalidArgument);
  EXPECT_NE(started.error().message.find("/nonexistent/key.pem"), std::string::npos);
}

}  // namespace
}  // namespace chat21::server
