// What routes that answer with a list have in common: which part of it is asked for,
// and how it is answered.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "chat21/history.h"

#include "server/api/call.h"
#include "server/api/services.h"

namespace chat21::server {

// Entries of one answer at the most, and unless asked otherwise.
inline constexpr std::size_t kMostListed = 200;

// From the query: `limit`, and `before` and `after` (a Page) or `cursor` (a Slice).
// Views into `call`. Errors are sentences for the caller.
Result<Page> read_page(const Call& call);
Result<Slice> read_slice(const Call& call);

// {"success":true,"result":[`documents`],"next":`next`}; `next` only if it is not empty.
HttpResponse list_of(std::span<const std::string> documents, std::string_view next = {});

// The part of a list that the query asks for; `error_status` if the store is away.
HttpResponse list_slice(const Services& services, const Call& call, unsigned error_status,
                        const std::function<Result<Listing>(History&, const Slice&)>& read);

}  // namespace chat21::server
