// Simulation: a world of clients, broker, store and observers, in which everything happens
// by one seed, one after the other, without a clock and without a thread. What must hold for
// every message is checked (judge.h); a seed in which it does not can be run again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lib/testing/simulation/judge.h"
#include "lib/testing/simulation/mutant.h"

namespace chat21::testing {

struct Simulated {
  std::optional<std::string> violation;  // for people: what was not as promised
  Judge::Counts counts;
  std::size_t deaths = 0;
};

// `trace` is told what happens, line by line.
Simulated simulate(std::uint64_t seed, Mutation mutation = Mutation::None,
                   std::function<void(const std::string&)> trace = nullptr);

}  // namespace chat21::testing
