#include "server/api/api.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "chat21/topic.h"

#include "server/api/routes.h"

namespace chat21::server {
namespace {

using Segments = std::vector<std::string>;

// --- Paths ------------------------------------------------------------------------

// The segments of a path that we have written ourselves: "/{app}/groups".
class PathPattern {
 public:
  explicit PathPattern(std::string_view path) : rest_(path) {
    while (rest_.ends_with('/')) rest_.remove_suffix(1);
  }

  bool ended() const { return rest_.empty(); }

  std::string_view next() {
    rest_.remove_prefix(1);
    const auto segment = rest_.substr(0, rest_.find('/'));
    rest_.remove_prefix(segment.size());
    return segment;
  }

 private:
  std::string_view rest_;
};

bool is_placeholder(std::string_view segment) {
  return segment.starts_with('{');
}

// How many segments from `begin` on `path` takes; nothing if it does not fit.
std::optional<std::size_t> match(std::string_view path, const Segments& segments,
                                 std::size_t begin) {
  std::size_t at = begin;
  for (PathPattern pattern(path); !pattern.ended(); ++at) {
    if (at == segments.size()) return std::nullopt;
    const std::string_view wanted = pattern.next();
    if (!is_placeholder(wanted) && wanted != segments[at]) return std::nullopt;
  }
  return at - begin;
}

struct Found {
  const Route* route = nullptr;
  std::size_t base = 0;  // segments before those of the route
};

Found find_route(const HttpRequest& request, const Segments& segments, std::string_view base_path) {
  const auto base = match(base_path, segments, 0);
  for (const Route& route : routes()) {
    if (route.method != request.method || (route.with_base && !base)) continue;
    const std::size_t begin = route.with_base ? *base : 0;
    const auto taken = match(route.path, segments, begin);
    if (taken && begin + *taken == segments.size()) return {&route, begin};
  }
  return {};
}

// --- Ids of the path --------------------------------------------------------------

struct IdName {
  std::string_view placeholder;
  std::string_view name;
  std::string PathIds::*id;
};

constexpr std::array<IdName, 8> kIdNames = {{
    {"{app}", "app", &PathIds::app},
    {"{user}", "user", &PathIds::user},
    {"{conversation}", "conversation", &PathIds::conversation},
    {"{group}", "group", &PathIds::group},
    {"{member}", "member", &PathIds::member},
    {"{other}", "other user", &PathIds::other},
    {"{instance}", "instance", &PathIds::instance},
    {"{token}", "token", &PathIds::token},
}};

// Whether it becomes a level of topics.
bool is_level(const IdName& name) {
  return name.id != &PathIds::instance && name.id != &PathIds::token;
}

Result<> validate_one(const IdName& name, const std::string& id) {
  if (name.id == &PathIds::token) return {};  // compared, and nothing else
  if (name.id == &PathIds::instance) return validate_instance_id(id);
  return validate_id(name.name, id);
}

Result<PathIds> read_ids(const Found& found, const Segments& segments) {
  PathIds ids;
  std::size_t total = 0;
  std::size_t at = found.base;
  for (PathPattern pattern(found.route->path); !pattern.ended(); ++at) {
    const auto* name = std::find_if(kIdNames.begin(), kIdNames.end(),
                                    [segment = pattern.next()](const IdName& candidate) {
                                      return candidate.placeholder == segment;
                                    });
    if (name == kIdNames.end()) continue;
    if (auto valid = validate_one(*name, segments[at]); !valid) return valid.error();
    if (is_level(*name)) total += segments[at].size();
    ids.*name->id = segments[at];
  }
  if (total <= kMaxIds) return ids;
  return fail(Error::Code::InvalidArgument, "the ids of the path have " + std::to_string(total) +
                                                " bytes together, more than " +
                                                std::to_string(kMaxIds));
}

// --- Who asks ---------------------------------------------------------------------

std::string_view token_of(const Call& call) {
  if (!call.request.authorization.empty()) return call.request.authorization;
  for (const std::string_view name : {"jwt", "JWT", "token"}) {
    if (const std::string* token = call.target.parameter(name)) return *token;
  }
  return {};
}

bool may_use(const Route& route, const Call& call, std::string_view served_app) {
  using Access = Route::Access;
  const Caller& caller = call.caller;
  if (route.access == Access::Anyone || route.access == Access::Token) return true;
  if (caller.app != call.ids.app) return false;
  // No observer of ours would ever see what we publish for another app.
  if (!served_app.empty() && caller.app != served_app) return false;
  if (route.access == Access::User) return caller.admin || caller.user == call.ids.user;
  if (route.access == Access::Owner) return caller.user == call.ids.user;
  return true;
}

std::optional<HttpResponse> refuse(const Route& route, const Call& call,
                                   std::string_view served_app) {
  if (route.access == Route::Access::Admin && !call.caller.admin) return unauthorized();
  if (may_use(route, call, served_app)) return std::nullopt;
  return route.refusal.empty() ? other_app() : plain(401, std::string(route.refusal));
}

// --- Bodies -----------------------------------------------------------------------

Result<> read_body(const Route& route, Call& call) {
  const std::string& body = call.request.body;
  if (route.body == Route::Body::None) return {};
  if (route.body == Route::Body::Optional && body.empty()) return {};
  return call.body.parse(body);
}

// --- Requests ---------------------------------------------------------------------

Result<Caller> read_caller(const Services& services, const Call& call) {
  const auto now = std::chrono::floor<std::chrono::seconds>(services.now());
  auto caller = identify(token_of(call), services.options.token, now);
  if (!caller) services.log.debug("token refused", {{"reason", caller.error().message}});
  return caller;
}

HttpResponse run(Services& services, const Found& found, Call& call) {
  const Route& route = *found.route;
  auto ids = read_ids(found, call.target.segments);
  if (!ids) return invalid(ids.error().message);
  call.ids = *std::move(ids);
  if (auto refused = refuse(route, call, services.options.app)) return *std::move(refused);
  if (const auto read = read_body(route, call); !read) {
    return failure_text(400, "the body is refused: " + read.error().message);
  }
  return route.handle(services, call);
}

// `path` becomes that of the route, if there is one.
HttpResponse answer(Services& services, const HttpRequest& request, std::string_view& path) {
  // Browsers ask before they send the token.
  if (request.method == "OPTIONS") return plain(204, {});
  auto target = parse_target(request.target);
  if (!target) return failure_text(400, "the path or the query is wrongly encoded");
  const Found found = find_route(request, target->segments, services.options.base_path);
  Call call{.request = request, .target = *std::move(target), .caller = {}, .ids = {}, .body = {}};
  if (found.route != nullptr) path = found.route->path;
  if (found.route == nullptr || found.route->access != Route::Access::Anyone) {
    auto caller = read_caller(services, call);
    if (!caller) return unauthorized();
    call.caller = *std::move(caller);
  }
  // Only now: which routes there are is nothing for strangers.
  if (found.route == nullptr) return failure_text(404, "Not found");
  return run(services, found, call);
}

}  // namespace

Api::Api(Services services) : services_(std::move(services)) {}

HttpResponse Api::handle(const HttpRequest& request) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::string_view path = "-";
  HttpResponse response = answer(services_, request, path);
  if (services_.log.enabled(LogLevel::Debug)) {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    // The route's path: ids are people's, and the query may hold a token.
    services_.log.debug("request", {{"method", request.method},
                                    {"path", path},
                                    {"status", response.status},
                                    {"us", static_cast<std::uint64_t>(took.count())}});
  }
  return response;
}

std::vector<std::pair<std::string, std::string>> common_headers() {
  return {
      {"Access-Control-Allow-Origin", "*"},
      {"Access-Control-Allow-Headers",
       "Origin, X-Requested-With, Content-Type, Accept, Authorization, X-XSRF-Token"},
      {"Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"},
      {"X-Content-Type-Options", "nosniff"},
      {"Cache-Control", "no-store"},
  };
}

}  // namespace chat21::server
