#include "tests/fuzz/http/targets.h"

#include <array>

#include "tests/fuzz/targets.h"

namespace chat21::tests {

std::span<const Target> targets() {
  static constexpr std::array kTargets = {
      Target{"target", fuzz_target}, Target{"handshake", fuzz_handshake}, Target{"api", fuzz_api}};
  return kTargets;
}

}  // namespace chat21::tests
