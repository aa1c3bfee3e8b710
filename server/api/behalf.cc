#include "server/api/behalf.h"

namespace chat21::server {

Result<std::string> acting_user(const Call& call, std::string_view key) {
  const JsonMember* written = call.body.find(key);
  if (!call.caller.admin || !is_truthy(written)) return call.caller.user;
  if (written->is(JsonMember::Type::String)) return decode_string(*written);
  return fail(Error::Code::InvalidArgument, std::string(key) + " is not a text");
}

}  // namespace chat21::server
