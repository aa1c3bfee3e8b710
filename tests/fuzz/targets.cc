#include "tests/fuzz/targets.h"

#include <algorithm>

namespace chat21::tests {

const Target* find_target(std::string_view name) {
  const auto all = targets();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Target& target) { return target.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace chat21::tests
