// How handlers read and change a group: under its lock, by publishing.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat21/result.h"

#include "server/api/call.h"
#include "server/api/group_document.h"
#include "server/api/group_messages.h"
#include "server/api/services.h"

namespace chat21::server {

// Of the messages about members that join in one request, copies for all members
// together: whoever adds thousands to a group of thousands does not make us send
// millions. The members after that join without one.
inline constexpr std::size_t kMaxInfoCopies = 100'000;

// Nothing if there is no such group.
Result<std::optional<Group>> read_group(Services& services, std::string_view app,
                                        std::string_view group);

// The names of members for one request, which looks them up for a bounded time: a
// service that takes half a second each must not hold a group, and a worker, for minutes.
class Names {
 public:
  explicit Names(Services& services) : services_(services) {}

  Contact of(std::string_view user);  // nameless once the time is used up

 private:
  Services& services_;
  Time::duration spent_{};
};

bool may_change(const Caller& caller, const Group& group);  // its owner, or an admin

// 405 {"err":{"message":"`message`"}}: the shape of refused changes.
HttpResponse refusal(std::string_view message);

// Orders about one group, under its lock, in batches, so that memory stays bounded
// however many there are.
class Orders {
 public:
  Orders(Services& services, std::string_view group)
      : services_(services), lock_(services.group_locks.lock(group)) {}

  // Waits for changes of the group that are still on their way. Nothing if there are
  // none any more, so that the group can be read; else the answer: also if the lock could
  // not be had.
  std::optional<HttpResponse> catch_up(unsigned trouble_status = 503);

  void add(Outgoing order);
  // The same with an order that changes the group: finish() tells if the observer would
  // drop it.
  void change(Outgoing order);
  // Waits until all that was added before is carried out, if the broker and the
  // observer are quick enough; finish() tells if not.
  void carry_out();
  // carry_out(), and the answer: `answer`, or why not all is done.
  HttpResponse finish(HttpResponse answer, unsigned trouble_status = 503);

 private:
  void publish();

  Services& services_;
  GroupLocks::Lock lock_;
  std::vector<Outgoing> waiting_;
  std::size_t bytes_ = 0;
  std::optional<Error> error_;
  bool late_ = false;
};

// Reads the group of the path and lets `change` answer, all under the group's lock. If
// there is none, the answer is `unknown`.
HttpResponse change_group(Services& services, const Call& call, HttpResponse unknown,
                          const std::function<HttpResponse(const Group&, Orders&)>& change);

// How many of the members that join a group of this size get a message about it.
std::size_t most_announced(const Group& group);

}  // namespace chat21::server
