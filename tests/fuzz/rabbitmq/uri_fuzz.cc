#include <string>

#include "lib/rabbitmq/uri.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/rabbitmq/targets.h"

namespace chat21::tests {
namespace {

std::string encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4U];
    encoded += kHex[byte & 0xFU];
  }
  return encoded;
}

}  // namespace

void fuzz_uri(std::string_view input) {
  const auto uri = rabbitmq::parse_uri(input);
  if (!uri) {
    promise(uri.error().code == Error::Code::InvalidArgument, "a wrong URI is the caller's");
    promise(uri.error().message.size() < 200, "an error quotes nothing, however long it is");
    return;
  }
  for (const std::string& part : {uri->user, uri->password, uri->host, uri->vhost}) {
    promise(part.find('\0') == std::string::npos, "no part has a NUL byte");
  }
  promise(uri->port > 0 && uri->heartbeat > 0 && !uri->host.empty() && !uri->vhost.empty(),
          "a URI is complete");
  const std::string written = std::string(uri->tls ? "amqps://" : "amqp://") + encode(uri->user) +
                              ':' + encode(uri->password) + '@' + encode(uri->host) + ':' +
                              std::to_string(uri->port) + '/' + encode(uri->vhost) +
                              "?heartbeat=" + std::to_string(uri->heartbeat);
  const auto again = rabbitmq::parse_uri(written);
  promise(again && again->tls == uri->tls && again->user == uri->user &&
              again->password == uri->password && again->host == uri->host &&
              again->port == uri->port && again->vhost == uri->vhost &&
              again->heartbeat == uri->heartbeat,
          "a URI can be written out in full");
}

}  // namespace chat21::tests
