#include "server/api/group_change.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/api/trouble.h"

namespace chat21::server {
namespace {

constexpr std::size_t kBatchBytes = 1U << 20U;
constexpr auto kMostLookUps = std::chrono::seconds(2);

}  // namespace

Result<std::optional<Group>> read_group(Services& services, std::string_view app,
                                        std::string_view group) {
  const auto document = services.histories.with(
      [&](History& history) -> Result<History::Document> { return history.group(app, group); });
  if (!document) return document.error();
  if (!*document) return std::optional<Group>();
  auto parsed = parse_group(**document);
  if (!parsed) return parsed.error();
  parsed->app = app;  // services need not write it into the document
  return std::optional(*std::move(parsed));
}

Contact Names::of(std::string_view user) {
  if (spent_ >= kMostLookUps) return nameless(user);
  const Time begin = services_.now();
  Contact contact = services_.contacts.find(user);
  spent_ += services_.now() - begin;
  return contact;
}

bool may_change(const Caller& caller, const Group& group) {
  return caller.admin || caller.user == group.owner;
}

HttpResponse change_group(Services& services, const Call& call, HttpResponse unknown,
                          const std::function<HttpResponse(const Group&, Orders&)>& change) {
  Orders orders(services, call.ids.group);
  if (auto late = orders.catch_up()) return *std::move(late);
  const auto group = read_group(services, call.ids.app, call.ids.group);
  if (!group) return store_away(services, group.error());
  if (!*group) return unknown;
  return change(**group, orders);
}

HttpResponse refusal(std::string_view message) {
  HttpResponse response;
  response.status = 405;
  const std::string reason = JsonWriter().text("message", message).object();
  response.body = JsonWriter().json("err", reason).object();
  return response;
}

std::optional<HttpResponse> Orders::catch_up(unsigned trouble_status) {
  if (!lock_.held()) return failure_text(503, "others are changing the group, try again later");
  if (lock_.settled()) return std::nullopt;
  carry_out();
  if (error_) return broker_away(services_, *error_, trouble_status);
  if (late_) return failure_text(trouble_status, "an earlier change is not carried out yet");
  return std::nullopt;
}

void Orders::add(Outgoing order) {
  if (bytes_ > 0 && bytes_ + order.body.size() > kBatchBytes) publish();
  bytes_ += order.routing_key.size() + order.body.size();
  waiting_.push_back(std::move(order));
}

void Orders::change(Outgoing order) {
  const std::size_t most = services_.options.max_order_bytes;
  // It has the attributes deeper than the request.
  const auto parsed = JsonObject().parse(order.body);
  if (!parsed) {
    error_ = fail(Error::Code::InvalidArgument, "the group is refused: " + parsed.error().message);
  } else if (order.body.size() > most) {
    error_ = fail(Error::Code::InvalidArgument, "the group is too large for the observer");
  }
  add(std::move(order));
}

// Once the observer was late it is not waited for again: the rest is published, in
// order, and will be carried out like what came before.
void Orders::carry_out() {
  if (late_ || error_) return publish();
  lock_.settle(false);
  auto done = services_.gateway.carry_out(std::exchange(waiting_, {}));
  bytes_ = 0;
  if (!done) {
    error_ = done.error();
  } else if (*done == Gateway::Done::Accepted) {
    late_ = true;
  } else {
    lock_.settle(true);
  }
}

// After an error the rest is dropped: it would tell of what has not happened.
void Orders::publish() {
  auto batch = std::exchange(waiting_, {});
  bytes_ = 0;
  if (error_ || batch.empty()) return;
  lock_.settle(false);
  if (auto published = services_.gateway.publish(std::move(batch)); !published) {
    error_ = published.error();
  }
}

HttpResponse Orders::finish(HttpResponse answer, unsigned trouble_status) {
  carry_out();
  if (error_ && error_->code == Error::Code::InvalidArgument) return invalid(error_->message);
  if (error_) return broker_away(services_, *error_, trouble_status);
  return late_ ? not_carried_out() : std::move(answer);
}

std::size_t most_announced(const Group& group) {
  return std::max<std::size_t>(1, kMaxInfoCopies / std::max<std::size_t>(1, group.members.size()));
}

}  // namespace chat21::server
