#include "tests/fuzz/mosquitto/targets.h"

#include <array>

#include "tests/fuzz/targets.h"

namespace chat21::tests {

std::span<const Target> targets() {
  static constexpr std::array kTargets = {Target{"access", fuzz_access},
                                          Target{"options", fuzz_options}};
  return kTargets;
}

}  // namespace chat21::tests
