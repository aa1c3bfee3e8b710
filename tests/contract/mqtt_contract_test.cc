#include "tests/contract/mqtt_world.h"

namespace chat21::testing {
namespace {

const TransportKind kMqtt{
    "Mqtt", [](const TransportLimits& limits) {
      return std::make_unique<MqttWorld>(MqttWorld::Options{.limits = limits});
    }};

INSTANTIATE_TEST_SUITE_P(Mqtt, TransportContract, ::testing::Values(kMqtt),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace chat21::testing
