// A self-signed certificate for 127.0.0.1, made by the openssl command.
#pragma once

#include <string>

namespace chat21::tests {

void make_certificate(const std::string& certificate_file, const std::string& key_file);

}  // namespace chat21::tests
