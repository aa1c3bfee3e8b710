#include "tests/http/certificate.h"

#include <cstdlib>
#include <stdexcept>

namespace chat21::tests {

void make_certificate(const std::string& certificate_file, const std::string& key_file) {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
      " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -out '" +
      certificate_file + "' -keyout '" + key_file + "' 2>&1";
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace chat21::tests
