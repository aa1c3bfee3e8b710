#include "tests/contract/rabbitmq_world.h"

namespace chat21::testing {
namespace {

const TransportKind kRabbitmq{
    "Rabbitmq", [](const TransportLimits& limits) {
      return std::make_unique<RabbitmqWorld>(RabbitmqWorld::Options{.limits = limits});
    }};

INSTANTIATE_TEST_SUITE_P(Rabbitmq, TransportContract, ::testing::Values(kRabbitmq),
                         [](const auto& kind) { return kind.param.name; });
INSTANTIATE_TEST_SUITE_P(Rabbitmq, LostConnection, ::testing::Values(kRabbitmq),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace chat21::testing
