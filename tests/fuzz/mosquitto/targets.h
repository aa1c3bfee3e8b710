// As core/targets.h.
#pragma once

#include <string_view>

namespace chat21::tests {

// Items: each a byte for what the broker asks and about whom, and a topic or filter.
void fuzz_access(std::string_view input);

// Items: each the name of an option, a blank and its value.
void fuzz_options(std::string_view input);

}  // namespace chat21::tests
