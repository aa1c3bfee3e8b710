#include "server/patient_store.h"

#include <algorithm>
#include <string>

namespace chat21::server {

template <class Attempt>
auto PatientStore::repeat(const Attempt& attempt) {
  auto done = attempt();
  std::string reason;  // the one that was logged
  for (auto wait = pace_.first; !done && done.error().code == Error::Code::Unavailable;
       wait = std::min(wait * 2, pace_.most)) {
    if (done.error().message != reason) {
      reason = done.error().message;
      log_.warn("the store is away; trying again", {{"reason", reason}});
    }
    if (signals_.received() != 0) {
      return done;
    }
    signals_.wait(wait);
    done = attempt();
  }
  if (done && !reason.empty()) {
    log_.info("the store works again");
  }
  return done;
}

Result<std::span<const Fact>> PatientStore::fetch(std::span<const Record> records) {
  return repeat([&] { return store_.fetch(records); });
}

Result<> PatientStore::apply(std::span<const Write> writes) {
  return repeat([&] { return store_.apply(writes); });
}

}  // namespace chat21::server
