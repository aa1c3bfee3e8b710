// What the file holds, as it lies in memory.
//
// The process can be killed between any two stores to it, and whoever opens it next finds
// all that came before, in the order of the program: a store is in the kernel's hands as soon
// as the processor has carried it out. So each change becomes valid with one store of one
// word, and that is the last one: `noted` for the work, `generation` for the suspects.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "chat21/attempts.h"

namespace chat21::attempts {

// As many as a batch has in practice. Of a larger one the rest is not noted; it is once those
// before it are done with, since batches begin with what came first.
inline constexpr std::size_t kMostWork = 4096;
inline constexpr std::size_t kMostSuspects = 4096;

struct Suspect {
  Fingerprint fingerprint = 0;
  std::uint64_t failures = 0;
  std::uint64_t last_failed = 0;  // in which generation
};

// The suspects of one generation, those with the most failures first. All but `forgotten` is
// as it was when the process started.
struct Area {
  std::uint64_t check = 0;  // a hash of the members from `count` up to the last suspect
  std::uint64_t count = 0;
  std::array<Suspect, kMostSuspects> suspects{};
  std::array<std::uint8_t, kMostSuspects> forgotten{};  // not 0: the suspect is none any more
};

struct Image {
  std::uint64_t magic = 0;       // another one in another version or order of bytes
  std::uint64_t generation = 0;  // one more with every start
  std::uint64_t noted = 0;       // of which generation the work is, and how much
  std::array<Fingerprint, kMostWork> work{};
  std::array<Area, 2> areas{};  // that of the generation, and the one before or after it
};
static_assert(std::is_trivially_copyable_v<Image>);

// Whether all that counts is as it was written.
bool is_sane(const Image& image);

// Makes an empty one of bytes that are all 0.
void begin_anew(Image& image);

// Everything that was being worked on has failed once more, and nothing is worked on now.
// If there are too many suspects, those are forgotten that have failed the fewest times, and
// of these the ones whose last time is the longest ago.
// REQUIRES: is_sane(image)
void start_generation(Image& image);

// Replaces what was noted.
void note(Image& image, std::span<const Fingerprint> work) noexcept;

// The present suspects, the forgotten ones among them.
inline Area& suspects_of(Image& image) {
  return image.areas[image.generation % 2];
}

}  // namespace chat21::attempts
