// Worlds in which everything goes wrong by a seed, and in which nothing may get lost; and that
// an observer that does it wrong is found out.
#include "lib/testing/simulation/simulation.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <string>

namespace chat21::testing {
namespace {

constexpr std::uint64_t kSeeds = 1000;
constexpr std::uint64_t kParts = 4;

std::string command(std::uint64_t seed) {
  const char* program = std::getenv("CHAT21_SIMULATION");
  return std::string(program == nullptr ? "simulation" : program) + " --seed " +
         std::to_string(seed) + " --verbose";
}

class Seeds : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Seeds, LoseNothingAndDoubleNothing) {
  const std::uint64_t first = 1 + GetParam() * (kSeeds / kParts);
  for (std::uint64_t seed = first; seed < first + kSeeds / kParts; ++seed) {
    const Simulated world = simulate(seed);
    ASSERT_FALSE(world.violation) << *world.violation << "\nrun it again: " << command(seed);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Seeds, ::testing::Range<std::uint64_t>(0, kParts));

class Mutants : public ::testing::TestWithParam<Mutation> {};

TEST_P(Mutants, AreFound) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (simulate(seed, GetParam()).violation) return;
  }
  FAIL() << "no seed shows that the observer is broken";
}

INSTANTIATE_TEST_SUITE_P(All, Mutants, ::testing::ValuesIn(all_mutations()), [](const auto& one) {
  std::string name;
  for (const char c : to_string(one.param)) {
    name += c == '-' ? '_' : c;
  }
  return name;
});

TEST(Simulation, IsTheSameWithTheSameSeed) {
  std::string first;
  std::string second;
  simulate(7, Mutation::None, [&](const std::string& line) { first += line + '\n'; });
  simulate(7, Mutation::None, [&](const std::string& line) { second += line + '\n'; });
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace chat21::testing
