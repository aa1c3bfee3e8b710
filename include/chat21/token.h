// Tokens: JSON Web Tokens (RFC 7519) as Chat21's clients carry them, and what their
// scopes allow at the broker. docs/PROTOCOL.md ("Tokens") has the claims and scopes.
//
// Safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/result.h"

namespace chat21 {

struct TokenRules {
  std::string key;       // of the HMAC-SHA256 signature
  std::string audience;  // one of the token's; the broker's resource_server_id
};

// A token whose signature, times and audience are right.
struct Token {
  std::string claims;  // the payload, a JSON object
  // sub and app_id; empty if the token has none that is a valid id (topic.h). RabbitMQ
  // asks for neither, so that is left to whoever needs them.
  std::string user;
  std::string app;
  std::vector<std::string> scopes;  // empty if the token has none
  // exp, rounded up: from then on the token is not valid. At most the last second that
  // std::chrono::system_clock can tell.
  std::chrono::sys_seconds expires{};
};

// Only HS256 is accepted. exp must be there and in the future, nbf if there is one not. aud
// and scope may be an array of strings or one string with blanks between. At most 8 KiB.
// Error (InvalidArgument): what is wrong, for the log; callers do not tell strangers.
Result<Token> verify_token(std::string_view token, const TokenRules& rules,
                           std::chrono::sys_seconds now);

// GCC takes the enumerator, which is in a scope of its own, for a rival of the type Write.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
enum class Permission : std::uint8_t { Configure, Read, Write };
#pragma GCC diagnostic pop

// What scopes allow on virtual host "/" and exchange amq.topic, evaluated as by the OAuth2
// backend of RabbitMQ 3.10: "rabbitmq.write:*/*/apps.tilechat.users.ann.*", where the text
// before the first dot is the audience. A pattern is for the whole text; a star in it
// stands for any text, also an empty one and across dots, but takes as little as it can
// and never more: "*.b" does not match "a.b.b". %XX in it is a byte, + a blank. Scopes
// that are written otherwise allow nothing, and so do those without a third pattern,
// which are about queues and exchanges: an engine without them asks for topics only.
class Rights {
 public:
  Rights() = default;  // none
  Rights(std::span<const std::string> scopes, std::string_view audience);

  // Whether any scope lets in at all.
  bool connect() const { return connect_; }

  // `topic` is a routing key or a filter, in AMQP form; of a filter the text itself is
  // matched. In time linear to the topic for each scope, whatever their patterns are.
  bool allow(Permission permission, std::string_view topic) const;

 private:
  struct Grant {
    Permission permission{};
    // The pieces of the pattern between its stars: "a.*" is {"a.", ""}.
    std::vector<std::string> topic;
  };
  void add(std::string_view scope);

  std::vector<Grant> grants_;
  bool connect_ = false;
};

}  // namespace chat21
