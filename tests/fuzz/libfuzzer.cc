// clang's libFuzzer looks for inputs that break a promise: CONTRIBUTING.md says how.
//
// --target=NAME chooses the target. libFuzzer passes over arguments with two dashes.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {
const chat21::tests::Target* chosen = nullptr;
}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  constexpr std::string_view kTarget = "--target=";
  for (int i = 1; i < *count; ++i) {
    const std::string_view argument = (*arguments)[i];
    if (argument.starts_with(kTarget)) {
      chosen = chat21::tests::find_target(argument.substr(kTarget.size()));
    }
  }
  if (chosen != nullptr) return 0;
  std::fputs("--target=NAME is missing or wrong; there are:\n", stderr);
  for (const auto& target : chat21::tests::targets()) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(target.name.size()), target.name.data());
  }
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
