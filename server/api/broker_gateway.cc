#include "server/api/broker_gateway.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "chat21/arena.h"
#include "chat21/json.h"
#include "chat21/topic.h"

namespace chat21::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The longest wait for answers, and the pause while the broker is away: short enough
// for the transport to service its heartbeats.
constexpr milliseconds kTurn{250};

Error unavailable(std::string why) {
  return fail(Error::Code::Unavailable, std::move(why));
}

// What one caller wants. It owns the bytes, so that the caller may leave when his time
// is up. All but `messages` and `token`, which stay as they are, belongs to the mutex.
struct Job {
  enum class State : std::uint8_t { Queued, Sent, Accepted, Done, Unanswered, Failed };

  std::vector<Outgoing> messages;  // the last is the fence, if there is a token
  std::string token;               // empty: this caller does not wait for the observer
  State state = State::Queued;
  std::string failure;
  std::condition_variable changed;

  void enter(State next) {
    state = next;
    changed.notify_all();
  }
  void fail_with(std::string why) {
    failure = std::move(why);
    enter(State::Failed);
  }
  // False if it is still in one of the states before `least` when the time is up.
  bool wait(std::unique_lock<std::mutex>& lock, milliseconds time, State least) {
    return changed.wait_for(lock, time, [this, least] { return state >= least; });
  }
};

using JobPointer = std::shared_ptr<Job>;

Result<> check_keys(const std::vector<Outgoing>& messages) {
  // One key that the transport refuses would fail the jobs of others as well.
  for (const Outgoing& message : messages) {
    if (message.routing_key.size() > kMaxRoutingKey) {
      return fail(Error::Code::InvalidArgument, "cannot publish: the routing key has " +
                                                    std::to_string(message.routing_key.size()) +
                                                    " bytes, more than " +
                                                    std::to_string(kMaxRoutingKey));
    }
  }
  return {};
}

std::string count_of(milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

}  // namespace

class BrokerGateway::Impl {
 public:
  Impl(BrokerGatewayOptions options, std::unique_ptr<Transport> transport,
       std::function<void()> wake);

  Result<Done> run(std::vector<Outgoing> messages, bool fenced);
  std::string trouble() const;
  void stop();

 private:
  // Of the callers, with the mutex.
  std::string why_not() const;
  void add_fence(Job& job);
  std::string fence_body(std::string_view token) const;
  milliseconds patience() const;
  Error give_up(const JobPointer& job);
  Done stop_waiting(const Job& job);

  // Of the thread.
  void serve();
  bool next_turn(const Result<>& last, Clock::time_point began);
  Result<> turn();
  Result<> take_answers(std::span<const Delivery> answers);
  Result<> come_back();
  Result<> send();
  std::vector<JobPointer> take_jobs();
  void finish(const Result<>& published);
  Result<> publish(const std::vector<Publish>& publishes);
  void note_away(const Error& error);

  bool away() const {
    const std::lock_guard lock(mutex_);
    return away_;
  }

  const BrokerGatewayOptions options_;
  const std::unique_ptr<Transport> transport_;
  const std::function<void()> wake_;
  std::string fence_order_;    // the routing key of fences
  std::string answer_prefix_;  // what comes before the token in that of answers
  std::string probe_key_;      // an address in the own inbox
  Outgoing probe_;             // what arrives there if the broker takes messages

  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  std::vector<JobPointer> queue_;
  std::vector<JobPointer> sending_;
  std::map<std::string, JobPointer, std::less<>> waiting_;  // for the observer, by token
  std::uint64_t last_token_ = 0;
  bool away_ = true;
  std::string away_reason_;
  bool was_connected_ = false;
  std::optional<Clock::time_point> publishing_since_;
  bool observer_is_late_ = false;  // somebody has waited in vain, and it has not answered since
  bool stopped_ = false;

  std::thread thread_;  // last: it uses the others
};

BrokerGateway::Impl::Impl(BrokerGatewayOptions options, std::unique_ptr<Transport> transport,
                          std::function<void()> wake)
    : options_(std::move(options)), transport_(std::move(transport)), wake_(std::move(wake)) {
  Arena arena;
  fence_order_ = order_key(arena, options_.app, Topic::Kind::Fence);
  answer_prefix_ = fence_key(arena, options_.app, options_.inbox, "");
  probe_key_ = fence_key(arena, options_.app, options_.inbox, "probe");
  probe_ = options_.inbox_is_open ? Outgoing{probe_key_, "{}"}
                                  : Outgoing{fence_order_, fence_body("probe")};
  thread_ = std::thread([this] { serve(); });
}

// --- Callers ----------------------------------------------------------------------

Result<Gateway::Done> BrokerGateway::Impl::run(std::vector<Outgoing> messages, bool fenced) {
  if (auto checked = check_keys(messages); !checked) return checked.error();
  const auto job = std::make_shared<Job>();
  job->messages = std::move(messages);

  std::unique_lock lock(mutex_);
  if (auto why = why_not(); !why.empty()) return unavailable("nothing was sent: " + why);
  if (fenced) add_fence(*job);
  queue_.push_back(job);
  wake_();
  if (!job->wait(lock, options_.accept_timeout, Job::State::Accepted)) return give_up(job);
  if (!job->wait(lock, patience(), Job::State::Done)) return stop_waiting(*job);
  if (job->state == Job::State::Failed) return unavailable(job->failure);
  return job->state == Job::State::Unanswered ? Done::Accepted : Done::Carried;
}

// Why a job need not even try. Before the first connection it waits: a server that
// has just started is not broken.
std::string BrokerGateway::Impl::why_not() const {
  if (stopped_) return "the server stops";
  if (away_) return was_connected_ ? away_reason_ : "";
  if (publishing_since_ && Clock::now() - *publishing_since_ > options_.accept_timeout) {
    return "the broker has not confirmed anything for more than " +
           count_of(options_.accept_timeout);
  }
  return {};
}

void BrokerGateway::Impl::add_fence(Job& job) {
  job.token = std::to_string(++last_token_);
  job.messages.push_back({fence_order_, fence_body(job.token)});
}

std::string BrokerGateway::Impl::fence_body(std::string_view token) const {
  return JsonWriter().text("inbox", options_.inbox).text("token", token).object();
}

Error BrokerGateway::Impl::give_up(const JobPointer& job) {
  if (job->state == Job::State::Queued) {
    std::erase(queue_, job);
    return unavailable("nothing was sent: the broker could not be reached within " +
                       count_of(options_.accept_timeout) +
                       (away_reason_.empty() ? "" : ": " + away_reason_));
  }
  job->state = Job::State::Failed;  // that nobody waits for it any more
  return unavailable("the broker has not confirmed within " + count_of(options_.accept_timeout) +
                     "; it may still accept it");
}

// Of those who wait for the observer. Once it was late they would all wait in vain, and
// those behind them for a thread; so until it answers, each only looks whether it does.
milliseconds BrokerGateway::Impl::patience() const {
  return observer_is_late_ ? std::min(options_.carry_timeout, kTurn) : options_.carry_timeout;
}

Gateway::Done BrokerGateway::Impl::stop_waiting(const Job& job) {
  observer_is_late_ = true;
  waiting_.erase(job.token);
  return Done::Accepted;
}

std::string BrokerGateway::Impl::trouble() const {
  const std::lock_guard lock(mutex_);
  if (away_ && away_reason_.empty()) return "not connected to the broker yet";
  return away_ ? away_reason_ : why_not();
}

void BrokerGateway::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& job : queue_) job->fail_with("nothing was sent: the server stops");
    for (const auto& job : sending_) {
      if (job->state != Job::State::Sent) continue;
      job->fail_with("the server stops before the broker has confirmed; it may still accept it");
    }
    for (const auto& [token, job] : waiting_) job->enter(Job::State::Unanswered);
    queue_.clear();
    waiting_.clear();
    stopping_.notify_all();
  }
  wake_();
  if (thread_.joinable()) thread_.join();
}

// --- The thread ---------------------------------------------------------------------

void BrokerGateway::Impl::serve() {
  auto began = Clock::now();
  for (Result<> last; next_turn(last, began);) {
    began = Clock::now();
    last = turn();
  }
}

// After a turn that failed it takes its time, since the next one may fail at once.
bool BrokerGateway::Impl::next_turn(const Result<>& last, Clock::time_point began) {
  std::unique_lock lock(mutex_);
  if (!last) stopping_.wait_until(lock, began + kTurn, [this] { return stopped_; });
  return !stopped_;
}

Result<> BrokerGateway::Impl::turn() {
  const bool was_away = away();
  const auto received = transport_->receive(was_away ? milliseconds(0) : kTurn);
  if (!received) {
    note_away(received.error());
    return received.error();
  }
  if (auto taken = take_answers(*received); !taken) return taken;
  if (was_away) {
    if (auto back = come_back(); !back) return back;
  }
  return send();
}

Result<> BrokerGateway::Impl::take_answers(std::span<const Delivery> answers) {
  if (answers.empty()) return {};
  std::vector<Settle> settled;
  {
    const std::lock_guard lock(mutex_);
    for (const Delivery& answer : answers) {
      settled.push_back({answer.tag, Outcome::Done});
      if (!answer.routing_key.starts_with(answer_prefix_) || answer.routing_key == probe_key_) {
        continue;
      }
      observer_is_late_ = false;
      const auto found = waiting_.find(answer.routing_key.substr(answer_prefix_.size()));
      if (found == waiting_.end()) continue;  // who waited has left, or it was asked twice
      found->second->enter(Job::State::Done);
      waiting_.erase(found);
    }
  }
  auto done = transport_->settle(settled);
  if (!done) note_away(done.error());
  return done;
}

// A publish shows that the broker takes them: that nothing is received
// does not tell whether there is a connection. The answers to fences may be lost with
// the connection, and the inbox: they are asked for again.
Result<> BrokerGateway::Impl::come_back() {
  std::vector<JobPointer> unanswered;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [token, job] : waiting_) unanswered.push_back(job);
  }
  std::vector<Publish> publishes{{probe_.routing_key, probe_.body}};
  for (const auto& job : unanswered) {
    publishes.push_back({job->messages.back().routing_key, job->messages.back().body});
  }
  auto published = publish(publishes);
  const std::lock_guard lock(mutex_);
  if (!published) {
    // Why it was lost says more than that it is not there.
    if (away_reason_.empty()) away_reason_ = published.error().message;
    return published;
  }
  away_ = false;
  away_reason_.clear();
  was_connected_ = true;
  return published;
}

Result<> BrokerGateway::Impl::send() {
  const auto jobs = take_jobs();
  std::vector<Publish> publishes;
  for (const auto& job : jobs) {
    for (const Outgoing& message : job->messages) {
      publishes.push_back({message.routing_key, message.body});
    }
  }
  if (publishes.empty()) return {};
  auto published = publish(publishes);
  finish(published);
  return published;
}

// All that wait share one batch, and with it the wait for the broker's confirms.
std::vector<JobPointer> BrokerGateway::Impl::take_jobs() {
  const std::lock_guard lock(mutex_);
  sending_ = std::exchange(queue_, {});
  for (const auto& job : sending_) job->state = Job::State::Sent;
  return sending_;
}

void BrokerGateway::Impl::finish(const Result<>& published) {
  if (!published) note_away(published.error());
  const std::lock_guard lock(mutex_);
  for (const auto& job : std::exchange(sending_, {})) {
    if (job->state != Job::State::Sent) continue;  // its caller has left
    if (!published) {
      job->fail_with("the broker has not confirmed, it may have accepted a part: " +
                     published.error().message);
    } else if (job->token.empty()) {
      job->enter(Job::State::Done);
    } else {
      waiting_.emplace(job->token, job);
      job->enter(Job::State::Accepted);
    }
  }
}

Result<> BrokerGateway::Impl::publish(const std::vector<Publish>& publishes) {
  const auto note = [this](std::optional<Clock::time_point> since) {
    const std::lock_guard lock(mutex_);
    publishing_since_ = since;
  };
  note(Clock::now());
  auto published = transport_->publish(publishes);
  note(std::nullopt);
  return published;
}

void BrokerGateway::Impl::note_away(const Error& error) {
  const std::lock_guard lock(mutex_);
  away_ = true;
  away_reason_ = error.message;
  if (!was_connected_) return;
  for (const auto& job : std::exchange(queue_, {})) {
    job->fail_with("nothing was sent: " + error.message);
  }
}

// --- The interface ------------------------------------------------------------------

BrokerGateway::BrokerGateway(BrokerGatewayOptions options, std::unique_ptr<Transport> transport,
                             std::function<void()> wake)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(transport), std::move(wake))) {}

BrokerGateway::~BrokerGateway() {
  stop();
}

Result<> BrokerGateway::publish(std::vector<Outgoing> messages) {
  if (messages.empty()) return {};
  if (auto done = impl_->run(std::move(messages), false); !done) return done.error();
  return {};
}

Result<Gateway::Done> BrokerGateway::carry_out(std::vector<Outgoing> messages) {
  return impl_->run(std::move(messages), true);
}

std::string BrokerGateway::trouble() const {
  return impl_->trouble();
}

void BrokerGateway::stop() {
  impl_->stop();
}

}  // namespace chat21::server
