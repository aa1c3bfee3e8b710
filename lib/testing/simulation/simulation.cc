#include "lib/testing/simulation/simulation.h"

#include <chrono>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "chat21/observer.h"

#include "lib/testing/simulation/broker.h"
#include "lib/testing/simulation/clients.h"
#include "lib/testing/simulation/store.h"

namespace chat21::testing {
namespace {

using std::chrono::milliseconds;

// Of one partition; outlives its observers.
class Notes final : public Attempts {
 public:
  void begin(std::span<const Fingerprint> work) noexcept override {
    work_.assign(work.begin(), work.end());
  }
  unsigned failed(Fingerprint fingerprint) const noexcept override {
    const auto found = failed_.find(fingerprint);
    return found == failed_.end() ? 0 : found->second;
  }
  void forget(Fingerprint fingerprint) noexcept override { failed_.erase(fingerprint); }
  void end_process() {
    for (const Fingerprint one : std::exchange(work_, {})) ++failed_[one];
  }

 private:
  std::vector<Fingerprint> work_;
  std::map<Fingerprint, unsigned> failed_;
};

class World {
 public:
  World(std::uint64_t seed, Mutation mutation, std::function<void(const std::string&)> trace);
  Simulated run();

 private:
  // What dies with an observer's process.
  struct Process {
    Link link;
    TroubledStore store;
    Mutant mutant;
    Router router;
    Observer observer;

    Process(World& world, std::size_t partition);
  };
  struct Partition {
    std::string name;
    Notes notes;
    std::unique_ptr<Process> process;
    bool at_work = false;
  };

  void choose_faults();
  void go_on();
  void work(Partition& partition);
  void drain();
  bool is_drained();

  Fate fate_;
  Mutation mutation_;
  Statuses statuses_;
  MemoryStore store_;
  Judge judge_;
  std::size_t partition_count_;
  Broker broker_;
  Clients clients_;
  std::vector<Partition> partitions_;
  bool takes_notes_;
  Time now_{milliseconds(1760000000000)};
  std::size_t deaths_ = 0;
};

World::Process::Process(World& world, std::size_t partition)
    : link(world.broker_, world.fate_, partition),
      store(world.store_, world.fate_, world.judge_),
      mutant(world.mutation_, link, store, world.statuses_),
      router({.seed = world.fate_.below(SIZE_MAX), .max_effects = 4 + world.fate_.below(60)}),
      observer(
          mutant, mutant, router, [&world] { return world.now_; },
          [&world](const Event&) { world.fate_.step("event"); },
          // So many innocent deaths do not happen to one delivery.
          {.ledger = world.partitions_[partition].name,
           .attempts = world.takes_notes_ ? &world.partitions_[partition].notes : nullptr,
           .max_attempts = 1000}) {}

World::World(std::uint64_t seed, Mutation mutation, std::function<void(const std::string&)> trace)
    : fate_(seed),
      mutation_(mutation),
      judge_(fate_, store_),
      partition_count_(fate_.chance(5000) ? 1 : 2 + fate_.below(2)),
      broker_(fate_, judge_, partition_count_, 2 + fate_.below(16),
              partition_count_ > 1 || fate_.chance(3000)),
      clients_(fate_, broker_, judge_),
      partitions_(partition_count_),
      takes_notes_(fate_.chance(5000)) {
  fate_.trace(std::move(trace));
  judge_.attach(broker_);
  judge_.on_received([this](Received received) {
    const std::size_t times = fate_.strikes(fate_.faults.repeat_to_client) ? 2 : 1;
    for (std::size_t i = 0; i < times; ++i) clients_.receive(received);
  });
  if (mutation == Mutation::LowerStatus) {
    judge_.ask_status([this](const std::string& copy) -> const Status* {
      const auto found = statuses_.find(copy);
      return found == statuses_.end() ? nullptr : &found->second;
    });
  }
  for (std::size_t i = 0; i < partition_count_; ++i) {
    partitions_[i].name = "messages-" + std::to_string(i);
  }
  fate_.on_interleave([this] { go_on(); });
  choose_faults();
}

// Each world has troubles of its own: where all happen all the time little else happens.
void World::choose_faults() {
  const auto some = [this](unsigned most) {
    return fate_.chance(5000) ? 0U : static_cast<unsigned>(1 + fate_.below(most));
  };
  fate_.faults = {.die = some(120),
                  .interleave = some(1000),
                  .break_connection = some(500),
                  .half_open = some(8000),
                  .lose_confirms = some(1000),
                  .cut_publish = some(200),
                  .block_publishers = some(300),
                  .fail_fetch = some(500),
                  .fail_apply = some(500),
                  .doubt_apply = some(500),
                  .repeat_to_client = some(2000),
                  .delay_settlement = some(9000),
                  .lose_sending = some(1000),
                  .lose_puback = some(3000)};
  fate_.faults.restart_broker = some(300);
}

Simulated World::run() {
  Simulated result;
  try {
    clients_.found_groups(store_);
    const std::size_t steps = 150 + fate_.below(150);
    for (std::size_t i = 0; i < steps; ++i) go_on();
    drain();
    judge_.finish();
  } catch (const Violation& violation) {
    fate_.say("VIOLATION: " + violation.what);
    result.violation = violation.what;
  }
  result.counts = judge_.counts();
  result.deaths = deaths_;
  return result;
}

// One thing happens.
void World::go_on() {
  now_ += milliseconds(fate_.below(3));
  const std::size_t what = fate_.below(100);
  if (what < 40) return clients_.go_on();
  if (what < 70) return work(partitions_[fate_.below(partitions_.size())]);
  if (fate_.strikes(fate_.faults.block_publishers)) {
    broker_.block_publishers(true);
  } else if (fate_.chance(1000)) {
    broker_.block_publishers(false);
  }
  if (fate_.strikes(fate_.faults.restart_broker)) return broker_.restart();
  broker_.go_on();
}

// Its observer runs once; a dead one is replaced.
void World::work(Partition& partition) {
  if (std::exchange(partition.at_work, true)) return;  // others go on meanwhile
  const std::size_t number = static_cast<std::size_t>(&partition - partitions_.data());
  try {
    if (partition.process == nullptr) {
      partition.process = std::make_unique<Process>(*this, number);
    }
    if (fate_.is_traced()) fate_.say("observer " + std::to_string(number));
    const auto done = partition.process->observer.run_once(milliseconds(0));
    if (!done && done.error().code != Error::Code::Unavailable) {
      throw Violation{"observer gives up: " + done.error().message};
    }
    fate_.may_die("between two runs");
  } catch (const Death&) {
    ++deaths_;
    partition.notes.end_process();
    partition.process.reset();
  }
  partition.at_work = false;
}

void World::drain() {
  fate_.be_calm();
  fate_.say("calm");
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds && !is_drained(); ++round) {
    broker_.settle_down();
    for (Partition& partition : partitions_) work(partition);
  }
  if (!broker_.is_idle()) throw Violation{"deliveries remain that nobody settles"};
  if (!is_drained()) throw Violation{"the ledger does not become empty"};
}

bool World::is_drained() {
  if (!broker_.is_idle()) return false;
  for (const Partition& partition : partitions_) {
    const std::vector<Record> ledger = {Record::of_ledger(partition.name)};
    if (store_.fetch(ledger)->front().found) return false;
  }
  return true;
}

}  // namespace

Simulated simulate(std::uint64_t seed, Mutation mutation,
                   std::function<void(const std::string&)> trace) {
  return World(seed, mutation, std::move(trace)).run();
}

}  // namespace chat21::testing
