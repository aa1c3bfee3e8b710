// How many files and connections the process may have open at the same time.
#pragma once

#include <cstddef>

namespace chat21::server {

// Raises the limit to `wanted`, or as far as the system lets us; never lowers it. Returns
// `wanted`, or the limit if that is less.
std::size_t allow_open_files(std::size_t wanted);

}  // namespace chat21::server
