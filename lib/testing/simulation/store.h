// An observer's Store in a simulated world: the one that all share, with its troubles.
#pragma once

#include "chat21/testing/memory_store.h"

#include "lib/testing/simulation/judge.h"

namespace chat21::testing {

class TroubledStore final : public Store {
 public:
  TroubledStore(MemoryStore& store, Fate& fate, Judge& judge)
      : store_(store), fate_(fate), judge_(judge) {}

  Result<std::span<const Fact>> fetch(std::span<const Record> records) override {
    fate_.step("fetch");
    if (fate_.strikes(fate_.faults.fail_fetch)) {
      fate_.say("  fetch fails");
      return fail(Error::Code::Unavailable, "cannot fetch");
    }
    auto facts = store_.fetch(records);
    fate_.may_die("fetched");  // others would take the facts away
    return facts;
  }

  Result<> apply(std::span<const Write> writes) override {
    fate_.step("apply");
    if (fate_.strikes(fate_.faults.fail_apply)) {
      fate_.say("  apply fails");
      return fail(Error::Code::Unavailable, "cannot apply");
    }
    if (auto applied = store_.apply(writes); !applied) return applied;
    judge_.applied(writes);
    if (fate_.strikes(fate_.faults.doubt_apply)) {
      fate_.say("  apply fails, and has committed");
      return fail(Error::Code::Unavailable, "cannot say whether it is applied");
    }
    fate_.step("applied");
    return {};
  }

 private:
  MemoryStore& store_;
  Fate& fate_;
  Judge& judge_;
};

}  // namespace chat21::testing
