// What does a batch of direct messages cost in the SQLite store, by durability and
// by size of the batch; and what do the two lists that clients ask for cost?
//
// A direct message is one body, a copy in two timelines and the last message of two
// conversations, among 10,000 users in random pairs. The file is made in the folder
// that TMPDIR names: durability costs what the disk under it costs.
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "chat21/arena.h"
#include "chat21/sqlite.h"

namespace {

using chat21::Arena;
using chat21::Durability;
using chat21::Write;

constexpr std::string_view kApp = "tilechat";

// Ends the program: a benchmark that goes on without its store measures nothing.
template <class T>
T value(chat21::Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "chat21-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      std::perror("mkdtemp");
      std::exit(1);
    }
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;  // it is in the system's temporary folder
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path file() const { return path_ / "chat.db"; }

 private:
  std::filesystem::path path_;
};

// Direct messages between random users, with ids in the form and order of UUIDv7.
class Traffic {
 public:
  std::vector<Write> direct(std::int64_t messages) {
    arena_.clear();
    std::vector<Write> writes;
    for (std::int64_t i = 0; i < messages; ++i) add(writes, user(), user());
    return writes;
  }
  std::vector<Write> direct_from(std::string_view sender, std::string_view recipient) {
    arena_.clear();
    std::vector<Write> writes;
    add(writes, sender, recipient);
    return writes;
  }

 private:
  std::string_view keep(const std::string& text) { return arena_.join({text}); }

  std::string_view user() {
    char text[32];
    std::snprintf(text, sizeof text, "user-%08u", static_cast<unsigned>(dice_() % 10'000));
    return keep(text);
  }

  void add(std::vector<Write>& writes, std::string_view sender, std::string_view recipient) {
    char text[40];
    std::snprintf(text, sizeof text, "%012llx-7000-8000-0123456789ab",
                  static_cast<unsigned long long>(++now_));
    const std::string_view id = keep(std::string(text).insert(8, "-"));
    const chat21::Time time{std::chrono::milliseconds(now_)};
    const std::string_view body = arena_.join(
        {R"({"type":"text","text":"A message as people write them, two lines of it on a phone.",)",
         R"("recipient_fullname":"Bob Builder","sender_fullname":"Ada Lovelace","attributes":null,)",
         R"("metadata":null,"channel_type":"direct","app_id":"tilechat","timestamp":1700000000000,)",
         R"("sender":")", sender, R"(","recipient":")", recipient, R"(","message_id":")", id,
         R"("})"});
    using namespace chat21;
    writes.emplace_back(SaveMessage{kApp, id, body});
    writes.emplace_back(SaveCopy{kApp, sender, recipient, id, Status::Sent, {}});
    writes.emplace_back(SaveLastMessage{kApp, sender, recipient, id, time});
    writes.emplace_back(SaveCopy{kApp, recipient, sender, id, Status::Delivered, {}});
    writes.emplace_back(SaveLastMessage{kApp, recipient, sender, id, time});
  }

  Arena arena_;
  std::mt19937 dice_{21};
  std::uint64_t now_ = 1'700'000'000'000;
};

void apply_direct_messages(benchmark::State& state, Durability durability) {
  const Folder folder;
  const auto store = value(chat21::open_sqlite({.path = folder.file(), .durability = durability}));
  Traffic traffic;
  for ([[maybe_unused]] const auto _ : state) {
    state.PauseTiming();
    const std::vector<Write> batch = traffic.direct(state.range(0));
    state.ResumeTiming();
    if (!store->apply(batch)) return state.SkipWithError("apply failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
// Real time: waiting for the disk is what is measured.
BENCHMARK_CAPTURE(apply_direct_messages, process, Durability::Process)
    ->Arg(1)
    ->Arg(64)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(apply_direct_messages, power, Durability::Power)
    ->Arg(1)
    ->Arg(64)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// Ada has written 1000 messages to each of 200 others.
class FilledStore {
 public:
  FilledStore() {
    const auto store = value(chat21::open_sqlite({.path = folder_.file()}));
    Traffic traffic;
    for (int message = 0; message < 1000; ++message) {
      std::vector<Write> batch;
      for (int other = 0; other < 20; ++other) {
        for (const Write& write : traffic.direct_from("ada", "bob-" + std::to_string(other))) {
          batch.push_back(write);
        }
        if (!store->apply(batch)) std::exit(1);
        batch.clear();
      }
    }
    history_ = value(chat21::open_sqlite_history({.path = folder_.file()}));
  }
  chat21::History& history() { return *history_; }

 private:
  Folder folder_;
  std::unique_ptr<chat21::History> history_;
};

FilledStore& filled_store() {
  static FilledStore filled;
  return filled;
}

void list_messages(benchmark::State& state) {
  chat21::History& history = filled_store().history();
  const auto limit = static_cast<std::size_t>(state.range(0));
  for ([[maybe_unused]] const auto _ : state) {
    benchmark::DoNotOptimize(value(history.messages(kApp, "ada", "bob-7", {.limit = limit})));
  }
}
BENCHMARK(list_messages)->Arg(20)->Arg(200)->Unit(benchmark::kMicrosecond);

void list_conversations(benchmark::State& state) {
  chat21::History& history = filled_store().history();
  for ([[maybe_unused]] const auto _ : state) {
    benchmark::DoNotOptimize(value(history.conversations(kApp, "ada", false, {.limit = 20})));
  }
}
BENCHMARK(list_conversations)->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "not measured: this is a debug build; use the preset release\n");
  static_cast<void>(argc);
  static_cast<void>(argv);
  return 1;
#else
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
#endif
}
