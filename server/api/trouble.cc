#include "server/api/trouble.h"

namespace chat21::server {

HttpResponse store_away(const Services& services, const Error& error, unsigned status) {
  services.log.warn("the API cannot read the store", {{"reason", error.message}});
  return failure_text(status, "the store is away");
}

HttpResponse broker_away(const Services& services, const Error& error, unsigned status) {
  services.log.warn("the API cannot publish", {{"reason", error.message}});
  return unavailable(error, status);
}

}  // namespace chat21::server
