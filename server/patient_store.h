// A Store that waits for another one to work again.
//
// The deliveries of a batch stay where they are meanwhile: nothing is asked of
// the Transport, so a broker that hears nothing for too long takes them back and
// offers them again, to us or to another observer.
#pragma once

#include <chrono>
#include <span>

#include "chat21/store.h"

#include "server/log.h"
#include "server/signals.h"

namespace chat21::server {

class PatientStore final : public Store {
 public:
  struct Pace {
    std::chrono::milliseconds first{250};
    std::chrono::milliseconds most{4000};
  };

  // Borrows all three.
  PatientStore(Store& store, const Signals& signals, Log& log, Pace pace)
      : store_(store), signals_(signals), log_(log), pace_(pace) {}

  // As Store says, but Unavailable only after a signal to stop.
  Result<std::span<const Fact>> fetch(std::span<const Record> records) override;
  Result<> apply(std::span<const Write> writes) override;

 private:
  template <class Attempt>
  auto repeat(const Attempt& attempt);

  Store& store_;
  const Signals& signals_;
  Log& log_;
  Pace pace_;
};

}  // namespace chat21::server
