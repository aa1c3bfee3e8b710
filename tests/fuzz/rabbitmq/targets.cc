#include "tests/fuzz/rabbitmq/targets.h"

#include <array>

#include "tests/fuzz/targets.h"

namespace chat21::tests {

std::span<const Target> targets() {
  static constexpr std::array kTargets = {Target{"frames", fuzz_frames}, Target{"uri", fuzz_uri},
                                          Target{"bindings", fuzz_bindings}};
  return kTargets;
}

}  // namespace chat21::tests
