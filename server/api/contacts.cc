#include "server/api/contacts.h"

#include <curl/curl.h>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "chat21/json.h"

namespace chat21::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostRemembered = 10'000;
constexpr auto kRemembered = std::chrono::seconds(120);
constexpr auto kFailureRemembered = std::chrono::seconds(10);  // also the pause after one
constexpr auto kSlow = std::chrono::seconds(1);
// Names go into messages.
constexpr std::size_t kMaxName = 1024;

std::string percent_encoded(std::string_view text) {
  const std::unique_ptr<char, decltype(&curl_free)> encoded(
      curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())), &curl_free);
  return encoded ? encoded.get() : std::string();
}

std::string trimmed(const std::string& text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string name_in(const JsonObject& reply, std::string_view key) {
  const JsonMember* member = reply.find(key);
  if (member == nullptr || !member->is(JsonMember::Type::String)) return {};
  std::string name = decode_string(*member);
  return name.size() <= kMaxName ? name : std::string();
}

std::optional<Contact> read_contact(std::string_view user, const HttpReply& reply) {
  JsonObject fields;
  if (reply.status != 200 || !fields.parse(reply.body)) return std::nullopt;
  Contact contact{.id = std::string(user),
                  .fullname = trimmed(name_in(fields, "fullname")),
                  .firstname = name_in(fields, "firstname"),
                  .lastname = name_in(fields, "lastname")};
  if (contact.fullname.empty())
    contact.fullname = trimmed(contact.firstname + ' ' + contact.lastname);
  return contact;
}

class NoContacts final : public Contacts {
 public:
  Contact find(std::string_view user) override { return nameless(user); }
};

// The contacts of whom was asked for last.
class ContactCache {
 public:
  std::optional<Contact> find(const std::string& user, Clock::time_point now) {
    const auto found = by_user_.find(user);
    if (found == by_user_.end() || found->second->until <= now) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->contact;
  }

  void put(Contact contact, Clock::time_point until) {
    if (const auto old = by_user_.find(contact.id); old != by_user_.end()) {
      entries_.erase(old->second);
      by_user_.erase(old);
    }
    entries_.push_front({std::move(contact), until});
    by_user_.emplace(entries_.front().contact.id, entries_.begin());
    if (entries_.size() <= kMostRemembered) return;
    by_user_.erase(entries_.back().contact.id);
    entries_.pop_back();
  }

 private:
  struct Entry {
    Contact contact;
    Clock::time_point until;
  };
  std::list<Entry> entries_;  // the one asked for last is the first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_user_;
};

class ServiceContacts final : public Contacts {
 public:
  ServiceContacts(std::string endpoint, HttpClient& client, std::function<Clock::time_point()> now)
      : endpoint_(std::move(endpoint)), client_(client), now_(std::move(now)) {
    while (endpoint_.ends_with('/')) endpoint_.pop_back();
  }

  Contact find(std::string_view user) override {
    const auto begin = now_();
    {
      const std::lock_guard lock(mutex_);
      if (auto known = cache_.find(std::string(user), begin)) return *std::move(known);
      if (begin < paused_until_) return nameless(user);
    }
    // Unlocked: others need not wait for this one.
    const auto reply = client_.perform({.url = endpoint_ + '/' + percent_encoded(user)});
    auto contact = reply ? read_contact(user, *reply) : std::nullopt;
    const auto end = now_();

    const std::lock_guard lock(mutex_);
    if (!reply || end - begin > kSlow) paused_until_ = end + kFailureRemembered;
    const auto until = end + (contact ? kRemembered : kFailureRemembered);
    if (!contact) contact = nameless(user);
    cache_.put(*contact, until);
    return *std::move(contact);
  }

 private:
  std::string endpoint_;
  HttpClient& client_;
  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  ContactCache cache_;
  Clock::time_point paused_until_{};
};

}  // namespace

Contact nameless(std::string_view user) {
  return {.id = std::string(user), .fullname = std::string(user), .firstname = {}, .lastname = {}};
}

std::unique_ptr<Contacts> make_contacts(std::string endpoint, HttpClient& client,
                                        std::function<Clock::time_point()> now) {
  if (endpoint.empty()) return std::make_unique<NoContacts>();
  return std::make_unique<ServiceContacts>(std::move(endpoint), client, std::move(now));
}

}  // namespace chat21::server
