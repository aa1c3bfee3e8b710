#include "tests/fuzz/token/targets.h"

#include <array>

#include "tests/fuzz/targets.h"

namespace chat21::tests {

std::span<const Target> targets() {
  static constexpr std::array kTargets = {Target{"token", fuzz_token},
                                          Target{"scopes", fuzz_scopes}};
  return kTargets;
}

}  // namespace chat21::tests
