// What handlers answer while the store or the broker is away: the reason goes to the
// log, strangers get a sentence.
#pragma once

#include "server/api/call.h"
#include "server/api/services.h"

namespace chat21::server {

HttpResponse store_away(const Services& services, const Error& error, unsigned status = 503);
HttpResponse broker_away(const Services& services, const Error& error, unsigned status = 503);

}  // namespace chat21::server
