#include "lib/testing/simulation/judge.h"

#include <algorithm>
#include <charconv>
#include <variant>

#include "chat21/document.h"
#include "chat21/topic.h"

namespace chat21::testing {
namespace {

[[noreturn]] void violated(std::string what) {
  throw Violation{std::move(what)};
}

// The world's texts and ids have nothing that would be escaped.
std::string_view text_field(std::string_view body, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":\"";
  const std::size_t at = body.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + key.size();
  return body.substr(from, body.find('"', from) - from);
}

constexpr std::string_view kStatus = ",\"status\":";

int status_in(std::string_view document) {
  const std::size_t at = document.rfind(kStatus);
  int status = -1;
  if (at != std::string_view::npos) {
    std::from_chars(document.data() + at + kStatus.size(), document.data() + document.size(),
                    status);
  }
  return status;
}

std::vector<std::string_view> levels_of(std::string_view routing_key) {
  std::vector<std::string_view> levels;
  while (true) {
    const std::size_t dot = routing_key.find('.');
    levels.push_back(routing_key.substr(0, dot));
    if (dot == std::string_view::npos) return levels;
    routing_key.remove_prefix(dot + 1);
  }
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

void Judge::Allowances::raise(std::size_t loss, const Allowance& to) {
  Allowance& one = by_loss_[loss];
  one = {.merge = std::max(one.merge, to.merge),
         .twice = std::max(one.twice, to.twice),
         .miss = std::max(one.miss, to.miss)};
}

Judge::Allowance Judge::Allowances::total() const {
  Allowance sum;
  for (const auto& [loss, one] : by_loss_) {
    sum.merge += one.merge;
    sum.twice += one.twice;
    sum.miss += one.miss;
  }
  return sum;
}

// --- What is accepted ---------------------------------------------------------------

void Judge::accepted(LetterNumber letter, const Draft& draft) {
  const auto [text, is_new] = texts_.try_emplace(draft.text);
  if (is_new) {
    text->second.draft = draft;
    if (draft.is_repeatable) repeatable_.push_back(&text->second);
  }
  text->second.letters.push_back(letter);
  ++counts_.accepted;
}

Judge::Text& Judge::text_of(std::string_view body) {
  const auto text = texts_.find(text_field(body, "text"));
  if (text == texts_.end()) violated("a message that nobody has sent: " + std::string(body));
  return text->second;
}

// --- What is stored -----------------------------------------------------------------

void Judge::applied(std::span<const Write> writes) {
  for (const Write& write : writes) {
    std::visit([this](const auto& one) { save(one); }, write);
  }
}

Judge::Copy* Judge::copy_in(Message& message, std::string_view timeline,
                            std::string_view conversation) {
  const auto copy =
      std::find_if(message.copies.begin(), message.copies.end(), [&](const Copy& one) {
        return one.timeline == timeline && one.conversation == conversation;
      });
  return copy == message.copies.end() ? nullptr : &*copy;
}

void Judge::save(const SaveMessage& write) {
  Text& text = text_of(write.body);
  const Draft& draft = text.draft;
  const std::string id(write.message_id);
  Message& message = messages_[id];
  if (message.is_stored) violated("message " + id + " is stored twice");
  message.is_stored = true;
  message.text = &text;
  message.body = write.body;
  text.ids.push_back(id);
  ++counts_.stored;
  if (!draft.is_repeatable && text.ids.size() > 1) {
    violated("'" + draft.text + "' was sent once and has the ids " + text.ids[0] + " and " + id);
  }
  const auto expect = [&](const std::string& timeline, const std::string& conversation) {
    message.copies.push_back({.timeline = timeline, .conversation = conversation});
  };
  const auto group = groups_.find(draft.recipient);
  if (group != groups_.end()) {
    for (const std::string& member : group->second.members) expect(member, draft.recipient);
    expect(draft.recipient, draft.recipient);
  } else {
    expect(draft.sender, draft.recipient);
    if (draft.sender != draft.recipient) expect(draft.recipient, draft.sender);
  }
}

void Judge::save(const SaveCopy& write) {
  expected_copy(write).is_written = true;
  check_status(write);
}

template <class Write>
Judge::Copy& Judge::expected_copy(const Write& write) {
  Message& message = messages_[std::string(write.message_id)];
  Copy* copy = copy_in(message, write.timeline, write.conversation);
  if (copy == nullptr) {
    violated("message " + std::string(write.message_id) + " is written to the timeline of " +
             std::string(write.timeline) + " with " + std::string(write.conversation) +
             ", where it does not belong");
  }
  return *copy;
}

template <class Write>
void Judge::check_status(const Write& write) {
  const std::string id(write.message_id);
  for (Copy& copy : messages_[id].copies) {
    if (copy.timeline != write.timeline || copy.conversation != write.conversation) continue;
    if (!copy.is_written) continue;
    const Status now = status_now(copy, id);
    if (now < copy.status) {
      violated("the status of " + id + " in the timeline of " + copy.timeline + " fell from " +
               std::to_string(static_cast<int>(copy.status)) + " to " +
               std::to_string(static_cast<int>(now)));
    }
    copy.status = now;
  }
}

Status Judge::status_now(const Copy& copy, const std::string& id) const {
  if (status_of_) {
    if (const Status* known = status_of_(copy.timeline + '/' + copy.conversation + '/' + id)) {
      return *known;
    }
  }
  // The page that has this message alone.
  const std::string before = id + ' ';
  std::string after = id;
  --after.back();
  const auto page = history_.messages("a", copy.timeline, copy.conversation,
                                      {.before = before, .after = after, .limit = 1});
  if (!page || page->size() != 1) {
    violated("the copy of " + id + " is not in the timeline of " + copy.timeline);
  }
  return static_cast<Status>(status_in(page->front()));
}

void Judge::save(const SaveGroup& write) {
  Group& group = groups_[std::string(write.group)];
  if (write.updated_on < group.updated_on) return;  // a late one
  std::vector<std::string> members = group_members(write.body);
  // Who leaves while a message of before is still on its way, and out of order because of a
  // connection that is half open, is not promised to see it arrive; it is in the history.
  bool is_late = false;
  for (LetterNumber number = 0; number < broker_->letters(); ++number) {
    const Letter& letter = broker_->letter(number);
    is_late |= letter.was_late && !letter.done &&
               letter.routing_key == "apps.observer.a.groups.update" &&
               text_field(letter.body, "uid") == write.group;
  }
  for (auto& [id, message] : messages_) {
    if (message.text == nullptr || message.text->draft.recipient != write.group) continue;
    const auto& letters = message.text->letters;
    const bool was_late =
        is_late || std::any_of(letters.begin(), letters.end(), [this](LetterNumber number) {
          return broker_->letter(number).was_late;
        });
    // Who is back when it comes again sees it then.
    const bool comes_again = !message.text->draft.is_repeatable &&
                             std::any_of(letters.begin(), letters.end(), [this](LetterNumber one) {
                               return broker_->comes_again(one);
                             });
    for (Copy& copy : message.copies) {
      if (copy.timeline == write.group) continue;
      if (contains(members, copy.timeline)) {
        if (comes_again) copy.has_left = false;
      } else if (was_late) {
        copy.has_left = true;
      }
    }
  }
  group = {std::move(members), write.updated_on};
}

// Lines end with the message id.
void Judge::save(const SaveLedgerPage& write) {
  if (fate_.is_traced())
    fate_.say("  notes for " + std::string(write.ledger) + ":\n" + std::string(write.text));
  std::string_view text = write.text;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    Message& message = messages_[std::string(line.substr(line.rfind(' ') + 1))];
    message.pages.emplace(write.ledger, write.page);
  }
}

void Judge::save(const RemoveLedgerPage& write) {
  if (fate_.is_traced()) {
    fate_.say("  forgets page " + std::to_string(write.page) + " of " + std::string(write.ledger));
  }
  const std::pair page(std::string(write.ledger), write.page);
  for (auto& [id, message] : messages_) message.pages.erase(page);
}

// --- What is published --------------------------------------------------------------

void Judge::published(std::string_view routing_key, std::string_view body) {
  if (fate_.is_traced()) {
    fate_.say("  publishes " + std::string(routing_key) + " " + std::string(body));
  }
  const auto levels = levels_of(routing_key);
  if (levels.front() == "observer") violated("rejected: " + std::string(body));
  if (body.find("\"status\":-100") != std::string_view::npos) {
    violated("refused: " + std::string(body));
  }
  // apps.a.users.{owner}.messages.{conversation}.clientadded
  if (levels.size() == 7 && levels[4] == "messages" && levels[6] == "clientadded") {
    receive(levels[3], levels[5], body);
  }
}

void Judge::receive(std::string_view owner, std::string_view conversation, std::string_view body) {
  Text& text = text_of(body);
  const std::string id(text_field(body, "message_id"));
  ++counts_.received;
  Message& message = messages_[id];
  if (!message.is_stored) {
    violated(std::string(owner) + " received " + id + " before it was stored");
  }
  const std::string shared(body.substr(0, body.rfind(kStatus)));
  if (message.body != shared + "}") {
    violated("message " + id + " was received as " + std::string(body) + " and is stored as " +
             message.body);
  }
  Copy* copy = copy_in(message, owner, conversation);
  if (copy == nullptr) {
    // Repeated after somebody has joined: he may see it, too, and has no copy to speak of.
    const auto group = groups_.find(conversation);
    if (conversation != text.draft.recipient || group == groups_.end() ||
        !contains(group->second.members, owner)) {
      violated(std::string(owner) + " received " + id + ", which is not his");
    }
    return;
  }
  if (copy->received++ == 0) check_order(text, copy->timeline);
  if (tell_) tell_({std::string(owner), std::string(conversation), id});
}

// First receptions are in the order in which the broker has accepted the messages. Those that
// were out on a connection of which only the broker did not know that it was lost may be late.
void Judge::check_order(const Text& text, const std::string& owner) {
  if (text.draft.is_repeatable) return;
  const LetterNumber letter = text.letters.front();
  LetterNumber& last = last_received_[{text.draft.sender + '>' + text.draft.recipient, owner}];
  if (letter < last) {
    if (!broker_->letter(letter).was_late) {
      violated("'" + text.draft.text + "' was sent before what " + owner +
               " has received before it");
    }
    return;
  }
  last = letter;
}

// --- What is lost and settled -------------------------------------------------------

// Whether equal messages may be taken for each other from now on. One loss is told of more than
// once, since more may have happened meanwhile: the broker closes, the observer goes on and
// settles, and sees it only then.
void Judge::losing(const Connection& connection) {
  if (lost_.insert(connection.number).second) ++counts_.losses;
  for (Text* text : repeatable_) {
    std::size_t out = 0;
    bool in_doubt = false;
    bool is_late = false;
    for (const LetterNumber number : text->letters) {
      const Letter& letter = broker_->letter(number);
      if (letter.queue != connection.queue) continue;
      if (!letter.delivered || letter.done) continue;
      ++out;
      if (letter.settling || letter.was_late) in_doubt = true;
      if (letter.was_late) is_late = true;
    }
    const auto noted = static_cast<std::size_t>(
        std::count_if(text->ids.begin(), text->ids.end(),
                      [this](const auto& id) { return !messages_.at(id).pages.empty(); }));
    Allowance may;
    // Those that are settled and may come again, for all that the store knows, and as many that
    // are handed out and not stored.
    may.merge = std::min(noted, out);
    // A late one comes behind others that were settled before it.
    if (out > 1 || is_late) may.miss = out;
    // A page that is not the last one is taken for settled, though a process may have died twice
    // before it could settle it.
    if ((in_doubt || noted > 0) && out > 1) may.twice = out - 1;
    // A half-open one is handed more after it was lost: then it counts again.
    const std::size_t loss = 2 * connection.number + (connection.is_half_open ? 1 : 0);
    if (out > 0) text->may.raise(loss, may);
  }
}

void Judge::settling(LetterNumber number, Outcome outcome) {
  if (fate_.is_traced()) fate_.say("  settles " + std::to_string(number));
  if (outcome != Outcome::Done) {
    violated("settled as " + std::string(to_string(outcome)) + ": " +
             broker_->letter(number).routing_key);
  }
}

// --- The end ------------------------------------------------------------------------

void Judge::finish() {
  for (auto& [name, text] : texts_) check_text(text);
  for (const auto& [id, message] : messages_) check_message(id, message);
  for (const Text* text : repeatable_) check_arrivals(*text);
  check_timelines();
  const auto aside = history_.set_aside({});
  if (!aside || !aside->documents.empty()) violated("something was set aside");
}

void Judge::check_text(const Text& text) {
  const Draft& draft = text.draft;
  const std::size_t sent = draft.has_own_id ? 1 : text.letters.size();
  const std::size_t stored = text.ids.size();
  const Allowance may = text.may.total();
  const auto say = [&](const std::string& how) {
    violated("'" + draft.text + "' from " + draft.sender + " to " + draft.recipient + " was sent " +
             std::to_string(sent) + " times and is stored " + std::to_string(stored) + " times" +
             how);
  };
  if (stored < sent) {
    counts_.merged += sent - stored;
    if (sent - stored > may.merge) {
      say("; at most " + std::to_string(may.merge) + " may be missing");
    }
  }
  if (stored > sent) {
    counts_.doubled += stored - sent;
    if (stored - sent > may.twice) {
      say("; at most " + std::to_string(may.twice) + " may be there twice");
    }
  }
}

void Judge::check_message(const std::string& id, const Message& message) const {
  const std::string name =
      message.text == nullptr ? id : "'" + message.text->draft.text + "', " + id;
  if (!message.is_stored) violated(name + " is spoken of and is not stored");
  for (const Copy& copy : message.copies) {
    const std::string whose = " in the inbox of " + copy.timeline;
    if (!copy.is_written) violated(name + " has no copy in the timeline of " + copy.timeline);
    const bool may_be_missing = copy.has_left || message.text->draft.is_repeatable;
    if (copy.received == 0 && !may_be_missing) violated(name + " never arrived" + whose);
  }
  if (!message.pages.empty()) violated(name + " is still in the ledger");
}

// Each has to arrive, but for one case: of several equal ones that were handed out when whoever
// worked on them died, or of which one was out on a half-open connection, one may arrive under
// the id of another. All are stored.
void Judge::check_arrivals(const Text& text) const {
  struct Count {
    std::size_t stored = 0, arrived = 0;
  };
  std::map<std::string, Count> counts;  // by timeline
  for (const std::string& id : text.ids) {
    for (const Copy& copy : messages_.at(id).copies) {
      Count& count = counts[copy.timeline];
      ++count.stored;
      if (copy.received > 0 || copy.has_left) ++count.arrived;
    }
  }
  const Allowance may = text.may.total();
  for (const auto& [timeline, count] : counts) {
    if (count.arrived + may.miss >= count.stored) continue;
    violated("of '" + text.draft.text + "' " + std::to_string(count.arrived) +
             " arrived in the inbox of " + timeline + ", where " + std::to_string(count.stored) +
             " are stored; at most " + std::to_string(may.miss) + " may be missing");
  }
}

void Judge::check_timelines() {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> expected;
  // Also where nothing should be.
  std::set<std::string> names;
  for (const auto& [text, sent] : texts_) {
    names.insert({sent.draft.sender, sent.draft.recipient});
  }
  for (const std::string& timeline : names) {
    for (const std::string& conversation : names) expected[{timeline, conversation}];
  }
  for (const auto& [id, message] : messages_) {
    for (const Copy& copy : message.copies) {
      expected[{copy.timeline, copy.conversation}].push_back(id);
    }
  }
  for (auto& [place, ids] : expected) {
    const auto& [timeline, conversation] = place;
    const auto page = history_.messages("a", timeline, conversation, {.limit = kMaxPage});
    if (!page) violated("the history cannot be read: " + page.error().message);
    std::vector<std::string> found;
    for (const std::string& document : *page) {
      found.emplace_back(text_field(document, "message_id"));
    }
    std::sort(found.begin(), found.end());
    std::sort(ids.begin(), ids.end());
    if (found != ids) {
      violated("the timeline of " + timeline + " with " + conversation + " has " +
               std::to_string(found.size()) + " messages, not the " + std::to_string(ids.size()) +
               " that it should have");
    }
  }
}

}  // namespace chat21::testing
