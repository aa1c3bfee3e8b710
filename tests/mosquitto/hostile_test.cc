// Packets that no client library sends: the broker lives, serves, and lets nobody in.
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <system_error>

#include "tests/mosquitto/plugin_case.h"

namespace chat21::mosquitto {
namespace {

class RawConnection {
 public:
  explicit RawConnection(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::system_error(errno, std::generic_category(), "the broker is gone");
    }
  }
  ~RawConnection() { ::close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Sends what the broker takes, says that no more comes, and returns all that it answers
  // until it closes.
  std::string talk(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::shutdown(fd_, SHUT_WR);
    std::string answer;
    std::array<char, 4096> buffer{};
    constexpr int kPatience = 30000;
    pollfd waiting{fd_, POLLIN, 0};
    while (::poll(&waiting, 1, kPatience) == 1) {
      const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
      if (got <= 0) return answer;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    throw std::runtime_error("the broker does not close the connection");
  }

 private:
  int fd_;
};

std::string two_bytes(std::size_t number) {
  return {static_cast<char>(number >> 8U), static_cast<char>(number & 0xFFU)};
}

std::string field(const std::string& text) {
  return two_bytes(text.size()) + text;
}

std::string packet(int type, const std::string& content) {
  std::string bytes(1, static_cast<char>(type));
  std::size_t left = content.size();
  do {
    const std::size_t digit = left % 128;
    left /= 128;
    bytes += static_cast<char>(digit | (left > 0 ? 0x80U : 0U));
  } while (left > 0);
  return bytes + content;
}

std::string connect_packet(const std::string& token, const std::string& user = "JWT") {
  const std::string header = field("MQTT") + std::string("\x04\xC2\x00\x3C", 4);
  return packet(0x10, header + field("raw client") + field(user) + field(token));
}

const std::string kLetIn("\x20\x02\x00\x00", 4);

class Hostile : public PluginCase {
 protected:
  void SetUp() override { start(); }

  std::string answer_to(const std::string& bytes) { return RawConnection(port_).talk(bytes); }
  void expect_refused(const std::string& bytes) {
    EXPECT_NE(answer_to(bytes).substr(0, kLetIn.size()), kLetIn);
  }
};

TEST_F(Hostile, AValidConnectIsLetIn) {
  EXPECT_EQ(answer_to(connect_packet(user_token("ann"))), kLetIn);
}

TEST_F(Hostile, ConnectsWithOddTokensAreRefused) {
  const std::string token = user_token("ann");
  for (const std::string& odd :
       {std::string(), std::string(65535, 'x'), std::string(65535, '.'), std::string(65535, '\0'),
        std::string("\0", 1) + token, token.substr(0, token.size() - 1), token + 'x',
        token.substr(0, token.rfind('.') + 1), std::string("..", 2),
        std::string("\xff\xfe.\x80.")}) {
    expect_refused(connect_packet(odd));
  }
  expect_service();
}

TEST_F(Hostile, ConnectsWithOddUserNamesAreRefused) {
  expect_refused(connect_packet(user_token("ann"), std::string("J\0T", 3)));
  expect_refused(connect_packet(user_token("ann"), "\xff"));
  EXPECT_EQ(answer_to(connect_packet(user_token("ann"), std::string(65535, 'J'))), kLetIn)
      << "the user name is ignored";
  expect_service();
}

TEST_F(Hostile, TruncatedConnectsAndWrongLengthsAreRefused) {
  const std::string whole = connect_packet(user_token("ann"));
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    expect_refused(whole.substr(0, size));
  }
  for (const std::size_t at : {std::size_t{1}, std::size_t{3}, std::size_t{13}, std::size_t{14}}) {
    for (const char wrong : {'\x00', '\x7f', '\xff'}) {
      std::string bytes = whole;
      if (bytes[at] == wrong) continue;
      bytes[at] = wrong;
      expect_refused(bytes);
    }
  }
  expect_refused(std::string("\x10\xff\xff\xff\xff\x7f", 6));
  expect_refused(std::string("\x10\xff\xff\xff\x7f", 5) + whole);
  expect_service();
}

std::string mutated(std::string bytes, std::mt19937& random) {
  const auto below = [&](std::size_t end) { return random() % end; };
  for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[at] = static_cast<char>(below(256));
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << below(8)));
        break;
      case 2:
        bytes.insert(at, 1 + below(8), static_cast<char>(below(256)));
        break;
      case 3:
        bytes.erase(at, 1 + below(8));
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

TEST_F(Hostile, AThousandBrokenConnectsDoNoHarm) {
  std::mt19937 random(1000);
  const std::string whole = connect_packet(user_token("ann"));
  for (int i = 0; i < 1000; ++i) answer_to(mutated(whole, random));
  expect_service();
  EXPECT_EQ(broker_->stop(), 0) << broker_->log();
}

TEST_F(Hostile, BrokenConversationsDoNoHarm) {
  std::mt19937 random(2000);
  const std::string conversation =
      connect_packet(user_token("ann")) +
      packet(0x82, two_bytes(1) + field(inbox_of("ann") + "/#") + '\1') +
      packet(0x32, field(outgoing_topic("ann", "bob")) + two_bytes(2) + text_body("hi")) +
      packet(0x32, field(inbox_of("ann") + "/presence/c1") + two_bytes(3) + "{}");
  for (int i = 0; i < 500; ++i) answer_to(mutated(conversation, random));
  expect_service();
  EXPECT_EQ(broker_->stop(), 0) << broker_->log();
}

TEST_F(Hostile, FloodsOfRefusalsDoNotFillTheLog) {
  for (int i = 0; i < 200; ++i) expect_refused(connect_packet("no token"));
  EXPECT_TRUE(broker_->wait_for_log(" more refusals are not in the log"));
}

}  // namespace
}  // namespace chat21::mosquitto
