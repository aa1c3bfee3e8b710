// What the client is told whose request cannot be read.
#pragma once

#include <boost/system/error_code.hpp>

namespace chat21::server {

// Instead of a status for an answer:
constexpr unsigned kWhole = 200;  // it could be read
constexpr unsigned kGone = 0;     // the connection ends without an answer

// The status for a failure of Beast's to read a request, or kGone.
unsigned status_of(const boost::system::error_code& failure);

}  // namespace chat21::server
