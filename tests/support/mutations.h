// Valid inputs, broken at random places in ways that a seed repeats.
#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace chat21::tests {

struct Mutating {
  std::span<const std::string_view> tokens;  // that mean something in the inputs
  std::size_t changes = 4;                   // at the most
  std::size_t longest_copy = 60;             // of a part of the input, in bytes
  std::size_t longest_run = 300;             // of one byte
};

// `text` with some bytes erased, inserted, replaced, copied or repeated.
std::string mutate(std::mt19937_64& random, std::string text, const Mutating& how);

}  // namespace chat21::tests
