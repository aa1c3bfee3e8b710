#include "lib/core/ledger.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>

namespace chat21 {
namespace {

// A page has a line for each entry: its number, a space, the fingerprint in hexadecimal,
// a space, the message id, a line feed.
constexpr int kDecimal = 10;
constexpr int kHexadecimal = 16;

void append_number(std::string& text, std::uint64_t number, int base) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  text.append(digits.data(), end);
}

// Takes a number and the space behind it from the front.
bool take_number(std::string_view& line, std::uint64_t& number, int base) {
  const char* end = line.data() + line.size();
  const auto [next, error] = std::from_chars(line.data(), end, number, base);
  if (error != std::errc() || next == end || *next != ' ') return false;
  line.remove_prefix(static_cast<std::size_t>(next - line.data()) + 1);
  return true;
}

std::vector<Ledger::Entry> parse(std::string_view text) {
  std::vector<Ledger::Entry> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Ledger::Entry entry{.open = true};
    if (!take_number(line, entry.page, kDecimal)) continue;
    if (!take_number(line, entry.fingerprint, kHexadecimal)) continue;
    if (line.size() != entry.message_id.size()) continue;
    std::copy(line.begin(), line.end(), entry.message_id.begin());
    found.push_back(entry);
  }
  return found;
}

}  // namespace

// What was not settled is in the last page: it is carried on from page to page.
void Ledger::load(std::string_view text) {
  const std::vector<Entry> found = parse(text);
  if (std::exchange(in_doubt_, false) && is_loaded_) return resolve(found);
  is_loaded_ = true;
  for (auto entry = found.begin(); entry != found.end(); ++entry) {
    next_page_ = std::max(next_page_, entry->page + 1);
    Page& page = page_of(entry->page);
    const bool is_carried_on = std::any_of(
        entry + 1, found.end(), [&](const Entry& later) { return later.id() == entry->id(); });
    if (is_carried_on) {
      page.is_stale = true;
      continue;
    }
    ++page.entries;
    entries_.push_back(*entry);
    entries_.back().settled = entry->page != found.back().page;
    entries_.back().unsure = !entries_.back().settled;
  }
  std::erase_if(pages_, [this](const Page& page) {
    if (page.entries == 0) finished_pages_.push_back(page.number);
    return page.entries == 0;
  });
}

// All but the page that was noted last is known better than the Store knows it.
void Ledger::resolve(std::span<const Entry> found) {
  const bool is_written = std::any_of(
      found.begin(), found.end(), [this](const Entry& entry) { return entry.page == next_page_; });
  if (is_written) return written();
  noted_.clear();
}

void Ledger::receive(std::span<const Delivery> deliveries) {
  for (const Delivery& delivery : deliveries) {
    if (!delivery.redelivered) fresh_.push_back(delivery.tag);
  }
}

std::string_view Ledger::find(const Delivery& delivery, Fingerprint fingerprint) {
  if (!delivery.redelivered) return {};
  const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.tag == delivery.tag && entry.fingerprint == fingerprint;
  });
  if (same != entries_.end()) {
    // Though the connection was thought to be lost.
    same->open = false;
    same->settled = false;
    return same->id();
  }
  if (std::binary_search(fresh_.begin(), fresh_.end(), delivery.tag)) return {};

  const auto equal = [&](const Entry& entry) {
    return entry.open && entry.fingerprint == fingerprint;
  };
  const auto certain = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return equal(entry) && !entry.settled && !entry.unsure;
  });
  const auto likely = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) {
    return equal(entry) && entry.unsure;
  });
  const auto last = std::find_if(entries_.rbegin(), entries_.rend(), equal);
  if (last == entries_.rend()) return {};
  Entry& found = certain != entries_.end() ? *certain : likely != entries_.rend() ? *likely : *last;
  found.open = false;
  found.unsure = false;
  found.settled = false;
  found.tag = delivery.tag;
  drop_if([&](const Entry& entry) { return equal(entry) && entry.settled; });
  return std::find_if(entries_.begin(), entries_.end(),
                      [&](const Entry& entry) { return entry.tag == delivery.tag; })
      ->id();
}

void Ledger::note(Tag tag, Fingerprint fingerprint, std::string_view message_id) {
  Entry entry{.fingerprint = fingerprint, .tag = tag, .page = next_page_};
  assert(message_id.size() == entry.message_id.size());
  std::copy(message_id.begin(), message_id.end(), entry.message_id.begin());
  noted_.push_back(entry);
}

void Ledger::append_writes(std::vector<Write>& writes) {
  if (name_.empty()) return;
  text_.clear();
  if (!noted_.empty()) {
    for (Entry& entry : entries_) {
      entry.carried_on = !entry.settled && !entry.unsure;
      if (entry.carried_on) append_line(text_, next_page_, entry);
    }
    for (const Entry& entry : noted_) append_line(text_, next_page_, entry);
    writes.emplace_back(SaveLedgerPage{.ledger = name_, .page = next_page_, .text = text_});
  }
  rewritten_.clear();
  for (Page& page : pages_) {
    page.is_rewritten = page.is_stale;
    if (!page.is_stale) continue;
    rewritten_.push_back(text_of(page.number));
    writes.emplace_back(
        SaveLedgerPage{.ledger = name_, .page = page.number, .text = rewritten_.back()});
  }
  for (const std::uint64_t page : finished_pages_) {
    writes.emplace_back(RemoveLedgerPage{.ledger = name_, .page = page});
  }
  finishing_pages_ = finished_pages_.size();
}

void Ledger::append_line(std::string& text, std::uint64_t page, const Entry& entry) {
  append_number(text, page, kDecimal);
  text += ' ';
  append_number(text, entry.fingerprint, kHexadecimal);
  text += ' ';
  text += entry.id();
  text += '\n';
}

std::string Ledger::text_of(std::uint64_t page) const {
  std::string text;
  for (const Entry& entry : entries_) {
    if (entry.page == page) append_line(text, page, entry);
  }
  return text;
}

bool Ledger::is_untidy() const {
  return !finished_pages_.empty() ||
         std::any_of(pages_.begin(), pages_.end(), [](const Page& page) { return page.is_stale; });
}

void Ledger::written() {
  finished_pages_.erase(finished_pages_.begin(),
                        finished_pages_.begin() + static_cast<std::ptrdiff_t>(finishing_pages_));
  finishing_pages_ = 0;
  for (Page& page : pages_) {
    if (std::exchange(page.is_rewritten, false)) page.is_stale = false;
  }
  if (noted_.empty()) return;
  pages_.push_back({next_page_, noted_.size()});
  for (Entry& entry : entries_) {
    if (!std::exchange(entry.carried_on, false)) continue;
    leave(std::exchange(entry.page, next_page_));
    ++pages_.back().entries;
  }
  ++next_page_;
  entries_.insert(entries_.end(), noted_.begin(), noted_.end());
  noted_.clear();
}

void Ledger::failed() {
  finishing_pages_ = 0;
  for (Page& page : pages_) page.is_rewritten = false;
  if (name_.empty()) noted_.clear();
  in_doubt_ = !noted_.empty();
}

void Ledger::settling(Tag up_to) {
  for (Entry& entry : entries_) {
    if (!entry.open && entry.tag <= up_to) entry.settled = true;
  }
  fresh_.erase(fresh_.begin(), std::upper_bound(fresh_.begin(), fresh_.end(), up_to));
}

void Ledger::drop_settled(Tag up_to) {
  drop_if([up_to](const Entry& entry) { return !entry.open && entry.tag <= up_to; });
}

void Ledger::open_all() {
  for (Entry& entry : entries_) entry.open = true;
  for (Entry& entry : noted_) entry.open = true;  // perhaps written: resolve() will tell
  fresh_.clear();
}

void Ledger::drop_open() {
  drop_if([](const Entry& entry) { return entry.open; });
}

template <class Condition>
void Ledger::drop_if(const Condition& condition) {
  std::erase_if(entries_, [&](const Entry& entry) {
    if (!condition(entry)) return false;
    leave(entry.page);
    return true;
  });
}

// From the back: the lines of a page stand together, unless somebody else has been at them.
Ledger::Page& Ledger::page_of(std::uint64_t number) {
  const auto page = std::find_if(pages_.rbegin(), pages_.rend(),
                                 [number](const Page& one) { return one.number == number; });
  if (page != pages_.rend()) return *page;
  return pages_.emplace_back(Page{number, 0});
}

void Ledger::leave(std::uint64_t number) {
  const auto page = std::find_if(pages_.begin(), pages_.end(),
                                 [number](const Page& one) { return one.number == number; });
  page->is_stale = !name_.empty();
  if (--page->entries > 0) return;
  if (!name_.empty()) finished_pages_.push_back(number);
  pages_.erase(page);
}

}  // namespace chat21
