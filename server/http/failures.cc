#include "server/http/failures.h"

#include <boost/beast/http/error.hpp>

namespace chat21::server {

namespace http = boost::beast::http;

unsigned status_of(const boost::system::error_code& failure) {
  if (failure == http::error::header_limit || failure == http::error::buffer_overflow) return 431;
  if (failure == http::error::body_limit) return 413;
  if (failure == http::error::end_of_stream || failure == http::error::partial_message) {
    return kGone;
  }
  const bool is_malformed =
      failure.category() == make_error_code(http::error::bad_method).category();
  return is_malformed ? 400 : kGone;
}

}  // namespace chat21::server
