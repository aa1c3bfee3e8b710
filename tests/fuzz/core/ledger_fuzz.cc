#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/core/ledger.h"
#include "tests/fuzz/core/targets.h"
#include "tests/fuzz/input.h"

namespace chat21::tests {
namespace {

constexpr std::size_t kMostSteps = 128;
constexpr std::uint64_t kSomePage = UINT64_MAX;                       // nobody knows which
constexpr std::uint64_t kPagesOfOthers = 1'000'000'000'000'000'000U;  // from here, none of ours
constexpr char kOurs = kBetweenItems;  // begins ids that strangers cannot write
constexpr unsigned kFingerprints = 4;  // few, so that deliveries are alike

// A life of a ledger: what the Store has, and whom the ledger has found.
class Life {
 public:
  explicit Life(std::string_view text) : ledger_("ledger") {
    promise(ledger_.in_doubt(), "a new ledger is to be loaded");
    ledger_.load(text);
    promise(!ledger_.in_doubt(), "a ledger is loaded once");
    while (!text.empty()) read_line(take_until(text, '\n'));
  }

  void step(unsigned byte) {
    const Fingerprint fingerprint = (byte >> 4U) % kFingerprints;
    switch (byte % 10) {
      case 0:
      case 1:
        return note(fingerprint);
      case 2:
        return commit(byte >= 128);
      case 3:
      case 4:
        last_ = fingerprint;
        is_out_ = true;
        find({.tag = next_tag_++, .redelivered = true}, fingerprint);
        return;
      case 5:
        // Again, on the same connection: tags of lost ones do not come again.
        if (is_out_) find({.tag = next_tag_ - 1, .redelivered = true}, last_);
        return;
      case 6:
        ledger_.settling(next_tag_ - 1);
        return;
      case 7:
        ledger_.drop_settled(next_tag_ - 1);
        return;
      case 8:
        return lose_connection();
      default:
        ledger_.drop_open();
    }
  }

  // Everything may come again: what is found is in the Store.
  void end() {
    commit(true);
    lose_connection();
    for (Fingerprint fingerprint = 0; fingerprint < kFingerprints; ++fingerprint) {
      while (find({.tag = next_tag_++, .redelivered = true}, fingerprint)) continue;
    }
  }

 private:
  // A line that is surely one of ours.
  void read_line(std::string_view line) {
    const std::string page(take_until(line, ' '));
    const std::string_view fingerprint = take_until(line, ' ');
    if (line.size() != kMaxMessageId) return;
    const bool is_ours =
        !page.empty() && page.size() <= 18 &&
        page.find_first_not_of("0123456789") == std::string::npos && !fingerprint.empty() &&
        fingerprint.size() <= 16 &&
        fingerprint.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    page_of_[std::string(line)] = is_ours ? std::stoull(page) : kSomePage;
    if (is_ours) pages_[std::stoull(page)].append(line) += '\n';
  }

  void note(Fingerprint fingerprint) {
    // In one batch with what was not written; then nobody notes any more.
    if (ledger_.in_doubt()) return;
    std::string id = std::to_string(next_id_++);
    id.insert(0, kMaxMessageId - id.size(), kOurs);
    const Delivery first{.tag = next_tag_++};
    ledger_.receive({&first, 1});
    ledger_.note(first.tag, fingerprint, id);
    last_ = fingerprint;
    is_out_ = true;
    noted_.emplace_back(fingerprint, id);
  }

  void commit(bool succeeds) {
    if (ledger_.in_doubt()) resolve();
    std::vector<Write> writes;
    ledger_.append_writes(writes);
    if (!succeeds) {
      // It may have been written all the same.
      if (next_id_ % 2 == 0) apply(writes);
      ledger_.failed();
      promise(ledger_.in_doubt() == !noted_.empty(), "in doubt is what was noted");
      if (noted_.empty()) return;
      return resolve();
    }
    apply(writes);
    ledger_.written();
    noted_.clear();
  }

  void apply(const std::vector<Write>& writes) {
    for (const Write& write : writes) {
      if (const auto* save = std::get_if<SaveLedgerPage>(&write)) {
        promise(save->ledger == "ledger", "a page is of its ledger");
        const auto [page, is_new] = pages_.try_emplace(save->page, save->text);
        if (is_new && save->page < kPagesOfOthers) {
          promise(!noted_.empty(), "a page is of what was noted");
          check_page(save->text);
        } else {
          promise(is_new || is_part(save->text, page->second), "a page is written again with less");
          page->second = save->text;
        }
      } else if (const auto* remove = std::get_if<RemoveLedgerPage>(&write)) {
        removed_.insert(remove->page);
        pages_.erase(remove->page);
      } else {
        promise(false, "a ledger writes pages");
      }
    }
  }

  // By the ids: numbers that the other process has written may have had zeros in front.
  static bool is_part(std::string_view text, std::string_view of) {
    while (!text.empty()) {
      const std::string_view line = take_until(text, '\n');
      if (of.find(line.substr(line.rfind(' ') + 1)) == std::string_view::npos) return false;
    }
    return true;
  }

  // The next process finds in it whatever may come again, equal ones in any order.
  void check_page(std::string_view text) {
    Ledger next("ledger");
    next.load(text);
    Tag tag = 1;
    std::vector<std::pair<Fingerprint, std::string>> ours;
    std::multiset<std::string> written, found;
    while (!text.empty()) {
      std::string_view line = take_until(text, '\n');
      const std::uint64_t page = std::stoull(std::string(take_until(line, ' ')));
      const Fingerprint fingerprint = std::stoull(std::string(take_until(line, ' ')), nullptr, 16);
      promise(pages_.contains(page), "a line says on which page it is");
      page_of_[std::string(line)] = page;
      written.emplace(line);
      found.emplace(next.find({.tag = tag++, .redelivered = true}, fingerprint));
      if (is_unique(line)) ours.emplace_back(fingerprint, line);
    }
    promise(found == written, "what may come again is found again");
    promise(
        ours.size() >= noted_.size() && std::equal(noted_.rbegin(), noted_.rend(), ours.rbegin()),
        "what was noted is on the page");
  }

  void resolve() {
    std::string all;
    for (const auto& [page, text] : pages_) all += text;
    ledger_.load(all);
    promise(!ledger_.in_doubt(), "the Store knows");
    noted_.clear();
  }

  // Whether anything was found.
  bool find(const Delivery& delivery, Fingerprint fingerprint) {
    Delivery first = delivery;
    first.redelivered = false;
    promise(ledger_.find(first, fingerprint).empty(), "who is new is nobody's repeat");
    const std::string id(ledger_.find(delivery, fingerprint));
    if (id.empty()) return false;
    promise(id.size() == kMaxMessageId, "an id has its size");
    promise(ledger_.find(delivery, fingerprint) == id, "who comes again is found again");
    const auto [taken, is_first] = found_.emplace(id, delivery.tag);
    promise(is_first || taken->second == delivery.tag || !is_unique(id),
            "two deliveries of one connection are not one message");
    const auto page = page_of_.find(id);
    promise(page == page_of_.end() || !removed_.contains(page->second),
            "what can be found is not removed");
    return true;
  }

  // Strangers write one id into several lines.
  bool is_unique(std::string_view id) const { return id.front() == kOurs; }

  void lose_connection() {
    if (!noted_.empty()) return;
    ledger_.open_all();
    is_out_ = false;
    found_.clear();
  }

  Ledger ledger_;
  Tag next_tag_ = 1;
  Fingerprint last_ = 0;  // of the delivery before
  bool is_out_ = false;   // that one, on this connection
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::string> pages_;  // in the Store
  std::set<std::uint64_t> removed_;
  std::vector<std::pair<Fingerprint, std::string>> noted_;
  std::map<std::string, std::uint64_t> page_of_;
  std::map<std::string, Tag> found_;  // on this connection
};

}  // namespace

void fuzz_ledger(std::string_view input) {
  Life life(take_until(input, kBetweenItems));
  for (const char step : input.substr(0, kMostSteps)) life.step(static_cast<std::uint8_t>(step));
  life.end();
}

}  // namespace chat21::tests
