#include "tests/fuzz/core/targets.h"

#include <array>

#include "tests/fuzz/targets.h"

namespace chat21::tests {

std::span<const Target> targets() {
  static constexpr std::array kTargets = {
      Target{"topic", fuzz_topic},   Target{"json", fuzz_json},
      Target{"router", fuzz_router}, Target{"ledger", fuzz_ledger},
      Target{"cursor", fuzz_cursor}, Target{"document", fuzz_document}};
  return kTargets;
}

}  // namespace chat21::tests
