#include <algorithm>
#include <utility>

#include "lib/mosquitto/mailbox.h"
#include "tests/contract/transport_contract.h"

namespace chat21::testing {
namespace {

class MailboxWorld final : public TransportWorld {
 public:
  explicit MailboxWorld(const TransportLimits& limits)
      : mailbox_({.max_body_bytes = limits.max_body_bytes, .prefetch = limits.prefetch}) {}

  Transport& transport() override { return mailbox_; }
  void offer(const Message& message) override {
    const auto put = mailbox_.put(message.routing_key, message.body);
    EXPECT_TRUE(put) << put.error().message;
    mailbox_.flush();
  }
  std::vector<Message> published() override {
    std::vector<mosquitto::Outgoing> taken;
    mailbox_.take(taken);
    std::vector<Message> messages;
    for (const auto& one : taken) {
      std::string key = one.topic;
      std::replace(key.begin(), key.end(), '/', '.');
      messages.push_back({std::move(key), std::string(one.body.get(), one.size)});
    }
    return messages;
  }
  void disconnect() override {}  // there is no connection that could be lost

 private:
  mosquitto::Mailbox mailbox_;
};

const TransportKind kMailbox{"Mailbox", [](const TransportLimits& limits) {
                               return std::make_unique<MailboxWorld>(limits);
                             }};

INSTANTIATE_TEST_SUITE_P(Mailbox, TransportContract, ::testing::Values(kMailbox),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace chat21::testing
