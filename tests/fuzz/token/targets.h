// As core/targets.h.
#pragma once

#include <string_view>

namespace chat21::tests {

// A token; or, if it begins with '{', the parts header and claims, which are signed.
void fuzz_token(std::string_view input);

// Parts: a topic, then scopes.
void fuzz_scopes(std::string_view input);

}  // namespace chat21::tests
