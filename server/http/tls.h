// Certificate and key of an HTTPS server.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "chat21/result.h"

namespace chat21::server {

// For TLS 1.2 and later. Both files are PEM, the key without a passphrase. The error
// (InvalidArgument) names the file and OpenSSL's reason.
Result<boost::asio::ssl::context> load_tls(const std::string& certificate_file,
                                           const std::string& key_file);

}  // namespace chat21::server
