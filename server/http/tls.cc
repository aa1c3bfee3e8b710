#include "server/http/tls.h"

#include <cstring>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <utility>

namespace chat21::server {
namespace {

// OpenSSL's oldest complaint: the others follow from it.
std::string openssl_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "unknown reason";
}

// Instead of OpenSSL's own, which would ask at the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Error unusable(const char* what, const std::string& file) {
  return fail(Error::Code::InvalidArgument,
              "cannot use the " + std::string(what) + " " + file + ": " + openssl_reason());
}

}  // namespace

Result<boost::asio::ssl::context> load_tls(const std::string& certificate_file,
                                           const std::string& key_file) {
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_server);
  SSL_CTX* const tls = context.native_handle();
  SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
  // A client that renegotiates again and again costs the server far more than itself.
  SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(tls, certificate_file.c_str()) != 1) {
    return unusable("certificate", certificate_file);
  }
  // Also fails if it is not the key of the certificate.
  if (SSL_CTX_use_PrivateKey_file(tls, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unusable("key", key_file);
  }
  return context;
}

}  // namespace chat21::server
