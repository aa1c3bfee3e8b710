#include "lib/attempts/image.h"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace chat21::attempts {
namespace {

constexpr std::uint64_t kMagic = 0x6332'3161'7474'0001;  // "c21att", version 1

constexpr unsigned kCountBits = 16;
constexpr std::uint64_t kCountMask = (1U << kCountBits) - 1;
static_assert(kMostWork <= kCountMask);

std::uint64_t noted_as(std::uint64_t generation, std::size_t count) {
  return generation << kCountBits | count;
}

// Behind all stores before it and ahead of all after it. Between a process and the one after
// it only the compiler can change that order, so only it has to be kept from it.
void store_in_order(std::uint64_t& place, std::uint64_t value) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(place).store(value, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

std::uint64_t check_of(const Area& area) {
  const auto* begin = reinterpret_cast<const char*>(&area.count);
  const auto* end = reinterpret_cast<const char*>(area.suspects.data() + area.count);
  return fingerprint("suspects", {begin, static_cast<std::size_t>(end - begin)});
}

// None if they are of another generation: then it was over before anything was begun.
std::span<const Fingerprint> work_of(const Image& image) {
  const std::size_t count = image.noted & kCountMask;
  if (image.noted != noted_as(image.generation, count)) return {};
  return std::span(image.work).first(std::min(count, kMostWork));
}

std::vector<Suspect> suspects_after(Image& image) {
  std::unordered_map<Fingerprint, Suspect> found;
  const Area& area = suspects_of(image);
  for (std::size_t i = 0; i < area.count; ++i) {
    const Suspect& suspect = area.suspects.at(i);
    if (area.forgotten.at(i) == 0) found.emplace(suspect.fingerprint, suspect);
  }
  for (const Fingerprint failed : work_of(image)) {
    Suspect& suspect = found[failed];
    // Equal deliveries have failed once together.
    if (suspect.failures > 0 && suspect.last_failed == image.generation) continue;
    suspect = {failed, suspect.failures + 1, image.generation};
  }
  std::vector<Suspect> suspects;
  suspects.reserve(found.size());
  for (const auto& [fingerprint, suspect] : found) suspects.push_back(suspect);
  const auto rank = [](const Suspect& suspect) {
    return std::tuple(suspect.failures, suspect.last_failed, suspect.fingerprint);
  };
  std::sort(suspects.begin(), suspects.end(),
            [&](const Suspect& a, const Suspect& b) { return rank(a) > rank(b); });
  return suspects;
}

}  // namespace

bool is_sane(const Image& image) {
  if (image.magic != kMagic) return false;
  const Area& area = image.areas[image.generation % 2];
  return area.count <= kMostSuspects && area.check == check_of(area);
}

void begin_anew(Image& image) {
  Area& area = suspects_of(image);
  area.check = check_of(area);
  store_in_order(image.magic, kMagic);
}

// What is of use until then is not touched: who is killed in here has not started.
void start_generation(Image& image) {
  const std::vector<Suspect> suspects = suspects_after(image);
  Area& next = image.areas[(image.generation + 1) % 2];
  next.count = std::min(suspects.size(), kMostSuspects);
  std::copy_n(suspects.begin(), next.count, next.suspects.begin());
  next.forgotten.fill(0);
  next.check = check_of(next);
  store_in_order(image.generation, image.generation + 1);
}

// Who is killed in here has not begun with the new work, and was done with the old one.
void note(Image& image, std::span<const Fingerprint> work) noexcept {
  const std::size_t count = std::min(work.size(), kMostWork);
  store_in_order(image.noted, noted_as(image.generation, 0));
  std::copy_n(work.begin(), count, image.work.begin());
  store_in_order(image.noted, noted_as(image.generation, count));
}

}  // namespace chat21::attempts
