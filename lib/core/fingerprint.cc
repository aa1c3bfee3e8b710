#include "chat21/attempts.h"

#include "lib/core/hash.h"

namespace chat21 {

Fingerprint fingerprint(std::string_view routing_key, std::string_view body) {
  return hash(kHashBasis, {routing_key, body});
}

}  // namespace chat21
