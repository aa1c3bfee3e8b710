// Texts that came from strangers: checked, and made safe to pass on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chat21 {

// The bytes of the well-formed UTF-8 sequence at `i`, 0 if none begins there.
std::size_t utf8_length_at(std::string_view text, std::size_t i);

// Whether every byte is part of a well-formed UTF-8 sequence (RFC 3629: no
// surrogates, nothing above U+10FFFF, no overlong forms).
bool is_utf8(std::string_view text);

// Appends the Base64 of `bytes` (RFC 4648 §4, padded).
void append_base64(std::string& out, std::string_view bytes);

}  // namespace chat21
