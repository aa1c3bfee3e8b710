// The targets of one program: what libFuzzer and the replay of the corpus call.
#pragma once

#include <span>
#include <string_view>

namespace chat21::tests {

struct Target {
  std::string_view name;  // of its folders in corpus/ and regressions/
  // Takes any bytes. Ends the process if a promise is broken.
  void (*run)(std::string_view input);
};

// Those of the group that is linked: core/targets.cc and the like.
std::span<const Target> targets();

// Null if there is none.
const Target* find_target(std::string_view name);

}  // namespace chat21::tests
