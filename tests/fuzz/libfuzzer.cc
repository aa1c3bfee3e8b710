// clang's libFuzzer looks for inputs that break a promise: CONTRIBUTING.md says how.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/router_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chat21::tests::route_stranger({reinterpret_cast<const char*>(data), size});
  return 0;
}
