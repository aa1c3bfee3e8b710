// Attempts: who was worked on when a process died.
//
// A delivery that kills whoever works on it comes back with the next start, and kills
// again. So the Observer notes what it is about to work on where it outlives the process;
// what is found there afterwards is suspicious: it is worked on alone, and set aside when
// it was found there too often.
//
// Used by one Observer, from its thread only. None of it may fail: it is a help, and what
// cannot be noted is worked on all the same.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace chat21 {

// Of a delivery's routing key and body: the same in every process and version. Not proof
// against somebody who wants two deliveries to have the same one.
using Fingerprint = std::uint64_t;
Fingerprint fingerprint(std::string_view routing_key, std::string_view body);

class Attempts {
 public:
  virtual ~Attempts() = default;

  // These are worked on from now on, instead of those of the last call; none: nothing is.
  // Each of them has failed once more if the process ends before the next call.
  virtual void begin(std::span<const Fingerprint> work) noexcept = 0;

  // How often it has failed, as of the start of this process.
  virtual unsigned failed(Fingerprint fingerprint) const noexcept = 0;

  // It was carried out, or set aside.
  virtual void forget(Fingerprint fingerprint) noexcept = 0;
};

}  // namespace chat21
