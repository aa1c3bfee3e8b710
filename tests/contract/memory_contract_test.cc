#include "chat21/testing/memory_transport.h"

#include "tests/contract/transport_contract.h"

namespace chat21::testing {
namespace {

class MemoryWorld final : public TransportWorld {
 public:
  explicit MemoryWorld(const TransportLimits& limits)
      : transport_({.prefetch = limits.prefetch, .max_body_bytes = limits.max_body_bytes}) {}

  Transport& transport() override { return transport_; }
  void offer(const Message& message) override {
    transport_.offer(message.routing_key, message.body);
  }
  std::vector<Message> published() override {
    std::vector<Message> messages;
    for (const auto& one : transport_.published()) {
      messages.push_back({one.routing_key, one.body});
    }
    transport_.clear_published();
    return messages;
  }
  void disconnect() override { transport_.disconnect(); }

 private:
  MemoryTransport transport_;
};

const TransportKind kMemory{
    "Memory", [](const TransportLimits& limits) { return std::make_unique<MemoryWorld>(limits); }};

INSTANTIATE_TEST_SUITE_P(Memory, TransportContract, ::testing::Values(kMemory),
                         [](const auto& kind) { return kind.param.name; });
INSTANTIATE_TEST_SUITE_P(Memory, LostConnection, ::testing::Values(kMemory),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace chat21::testing
