// For whom a caller acts: admins may name somebody else.
#pragma once

#include <string>
#include <string_view>

#include "server/api/call.h"

namespace chat21::server {

// The user whom an admin names in the member `key` of the body, else the caller. What
// others write there is ignored. The id is not validated. Error: a sentence for the
// caller.
Result<std::string> acting_user(const Call& call, std::string_view key);

}  // namespace chat21::server
