// Texts that came from strangers: checked, and made safe to put into JSON.
#pragma once

#include <string>
#include <string_view>

namespace chat21 {

// Whether every byte is part of a well-formed UTF-8 sequence (RFC 3629: no
// surrogates, nothing above U+10FFFF, no overlong forms).
bool is_utf8(std::string_view text);

// Appends the Base64 of `bytes` (RFC 4648 §4, padded).
void append_base64(std::string& out, std::string_view bytes);

}  // namespace chat21
