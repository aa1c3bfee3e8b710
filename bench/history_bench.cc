// What does a page of history cost, and does it cost more the deeper it is?
//
// Reads through History from a file with a million messages, which is built at the
// first run and kept. Warm: the same page again, from one connection, so that all of
// it is in memory. Cold: from a new connection (opening it is not counted)
// after the kernel was told to drop the file from its page cache; the cache of the disk
// itself, or of the host of a virtual machine, is beyond reach. Beside each cold case
// stands what it read from the disk.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "chat21/arena.h"
#include "chat21/sqlite.h"

#include "lib/sqlite/database.h"

namespace {

namespace fs = std::filesystem;
using chat21::Arena;
using chat21::History;
using chat21::Result;
using chat21::Slice;
using chat21::Write;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kApp = "tilechat";
constexpr std::size_t kPageSize = 200;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "history_bench: {}\n", why);
  std::exit(1);
}

// Ends the program: a benchmark that goes on without its store measures nothing.
template <class T>
T value(Result<T> result) {
  if (result) return *std::move(result);
  give_up(result.error().message);
}

// --- The file ---------------------------------------------------------------

// Of ten messages Ada and Bob write two, Ada and one of her contacts one, and two of
// 10,000 others seven. All are mixed in time, so a page of Ada and Bob is spread over
// the bodies of 1,000 messages.
constexpr unsigned kMessages = 1'000'000;
constexpr unsigned kDeepEvery = 5;
constexpr unsigned kDeepMessages = kMessages / kDeepEvery;
constexpr unsigned kContacts = 2'000;
constexpr unsigned kOthers = 10'000;
constexpr unsigned kGroups = 1'000;  // of Ada and 19 others
constexpr std::size_t kBodyBytes = 300;

// In the form and order of UUIDv7.
std::string id_of(unsigned message) {
  return fmt::format("018bcfe5-{:04x}-7{:03x}-8000-0123456789ab", message >> 12U, message & 0xfffU);
}

class Contents {
 public:
  std::vector<Write> messages(unsigned first, unsigned count) {
    arena_.clear();
    std::vector<Write> writes;
    for (unsigned i = first; i < first + count; ++i) {
      if (i % kDeepEvery == 0) {
        add(writes, i, "ada", "bob");
      } else if (i % 10 == 1) {
        add(writes, i, "ada", keep(fmt::format("contact-{:05}", dice_() % kContacts)));
      } else {
        add(writes, i, other(), other());
      }
    }
    return writes;
  }

  std::vector<Write> groups() {
    arena_.clear();
    std::vector<Write> writes;
    for (unsigned i = 0; i < kGroups; ++i) {
      std::string members = R"("ada":1)";
      for (int member = 1; member < 20; ++member) members += fmt::format(R"(,"{}":1)", other());
      const std::string_view id = keep(fmt::format("group-{:05}", i));
      writes.emplace_back(chat21::SaveGroup{
          kApp, id,
          keep(fmt::format(R"({{"uid":"{0}","name":"{0}","owner":"ada","members":{{{1}}}}})", id,
                           members)),
          1});
    }
    return writes;
  }

 private:
  std::string_view keep(const std::string& text) { return arena_.join({text}); }
  std::string_view other() { return keep(fmt::format("user-{:05}", dice_() % kOthers)); }

  void add(std::vector<Write>& writes, unsigned number, std::string_view sender,
           std::string_view recipient) {
    using namespace chat21;
    const std::string_view id = keep(id_of(number));
    const Time time{std::chrono::milliseconds(1'700'000'000'000 + number)};
    std::string body = fmt::format(
        R"({{"message_id":"{}","sender":"{}","recipient":"{}","type":"text","timestamp":{},"text":")",
        id, sender, recipient, time.time_since_epoch().count());
    body.resize(kBodyBytes - 2, 'x');
    body += "\"}";
    const std::string_view kept = keep(body);
    writes.emplace_back(SaveMessage{kApp, id, kept});
    writes.emplace_back(SaveCopy{kApp, sender, recipient, id, Status::Sent, {}});
    writes.emplace_back(SaveLastMessage{kApp, sender, recipient, id, time});
    writes.emplace_back(SaveCopy{kApp, recipient, sender, id, Status::Delivered, {}});
    writes.emplace_back(SaveLastMessage{kApp, recipient, sender, id, time});
  }

  Arena arena_;
  std::mt19937 dice_{21};
};

void save(chat21::Store& store, const std::vector<Write>& writes) {
  if (Result<> done = store.apply(writes); !done) give_up(done.error().message);
}

void fill(const fs::path& file) {
  constexpr unsigned kBatch = 1'000;
  const auto store = value(chat21::open_sqlite({.path = file}));
  Contents contents;
  save(*store, contents.groups());
  for (unsigned first = 0; first < kMessages; first += kBatch) {
    save(*store, contents.messages(first, kBatch));
  }
}

int open_file(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) give_up("cannot open '" + file.string() + "'");
  return descriptor;
}

// Under another name until it is whole, so that a run that was interrupted leaves
// nothing that looks like it.
void build(const fs::path& file) {
  fmt::print(stderr, "building '{}' ({} messages) ...\n", file.string(), kMessages);
  const fs::path part = file.string() + ".part";
  for (const char* ending : {"", "-wal", "-shm", "-lock"}) fs::remove(part.string() + ending);
  fill(part);
  const int descriptor = open_file(part);
  if (fsync(descriptor) != 0) give_up("cannot write '" + part.string() + "' to the disk");
  close(descriptor);
  fs::remove(part.string() + "-lock");
  fs::rename(part, file);
}

// --- Measuring --------------------------------------------------------------

struct Case {
  std::string name;
  std::size_t expected;                               // entries
  std::function<Result<std::size_t>(History&)> read;  // how many there are
};

struct Samples {
  std::vector<double> microseconds;
  std::uint64_t disk_bytes = 0;  // of all together
};

// What this process has caused to be read from disks.
std::uint64_t disk_bytes() {
  std::ifstream counters("/proc/self/io");
  std::string name;
  for (std::uint64_t count = 0; counters >> name >> count;) {
    if (name == "read_bytes:") return count;
  }
  give_up("cannot read /proc/self/io");
}

void drop_from_page_cache(const fs::path& file) {
  const int descriptor = open_file(file);
  const int error = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
  if (error != 0) give_up("cannot drop '" + file.string() + "' from the page cache");
}

void measure(const Case& measured, History& history, Samples& samples) {
  const std::uint64_t before = disk_bytes();
  const auto start = Clock::now();
  const std::size_t entries = value(measured.read(history));
  const auto end = Clock::now();
  samples.disk_bytes += disk_bytes() - before;
  samples.microseconds.push_back(std::chrono::duration<double, std::micro>(end - start).count());
  if (entries != measured.expected) {
    give_up(fmt::format("{}: {} entries instead of {}; is the file another one?", measured.name,
                        entries, measured.expected));
  }
}

Samples measure_warm(const Case& measured, const fs::path& file, unsigned count) {
  const auto history = value(chat21::open_sqlite_history({.path = file}));
  Samples first;
  for (int i = 0; i < 3; ++i) measure(measured, *history, first);
  Samples samples;
  for (unsigned i = 0; i < count; ++i) measure(measured, *history, samples);
  return samples;
}

Samples measure_cold(const Case& measured, const fs::path& file, unsigned count) {
  Samples samples;
  for (unsigned i = 0; i < count; ++i) {
    const auto history = value(chat21::open_sqlite_history({.path = file}));
    drop_from_page_cache(file);
    measure(measured, *history, samples);
  }
  return samples;
}

void report(const std::string& name, std::string_view state, Samples samples) {
  std::vector<double>& times = samples.microseconds;
  std::sort(times.begin(), times.end());
  const auto percentile = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1) + 0.5)];
  };
  fmt::print("{:<34} {:<5} {:>7} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>11.0f}\n", name, state,
             times.size(), percentile(0.5), percentile(0.9), percentile(0.99), times.back(),
             static_cast<double>(samples.disk_bytes) / 1024 / static_cast<double>(times.size()));
}

// --- Cases ------------------------------------------------------------------

// Between Ada and Bob, after the `depth` newest.
Case page_of_messages(unsigned depth) {
  const std::string before = depth == 0 ? "" : id_of((kDeepMessages - depth) * kDeepEvery);
  return {fmt::format("messages, {} deep", depth), kPageSize,
          [before](History& history) -> Result<std::size_t> {
            auto page =
                history.messages(kApp, "ada", "bob", {.before = before, .limit = kPageSize});
            if (!page) return page.error();
            return page->size();
          }};
}

using List = std::function<Result<chat21::Listing>(History&, const Slice&)>;

Case slice_of(const std::string& what, const List& list, History& history, unsigned depth) {
  std::string from;
  for (unsigned seen = 0; seen < depth; seen += kPageSize) {
    from = value(list(history, {.from = from, .limit = kPageSize})).next;
  }
  return {fmt::format("{}, {} deep", what, depth), kPageSize,
          [from, list](History& used) -> Result<std::size_t> {
            auto slice = list(used, {.from = from, .limit = kPageSize});
            if (!slice) return slice.error();
            return slice->documents.size();
          }};
}

std::vector<Case> cases_of(const fs::path& file) {
  std::vector<Case> cases;
  for (const unsigned depth : {0U, 1'000U, 10'000U, 100'000U, 199'000U}) {
    cases.push_back(page_of_messages(depth));
  }
  const auto history = value(chat21::open_sqlite_history({.path = file}));
  const List conversations = [](History& used, const Slice& slice) {
    return used.conversations(kApp, "ada", false, slice);
  };
  const List groups = [](History& used, const Slice& slice) {
    return used.groups(kApp, "ada", slice);
  };
  cases.push_back(slice_of("conversations", conversations, *history, 0));
  cases.push_back(slice_of("conversations", conversations, *history, kContacts - kPageSize));
  cases.push_back(slice_of("groups", groups, *history, 0));
  cases.push_back(slice_of("groups", groups, *history, kGroups - kPageSize));
  cases.push_back({fmt::format("unread of {} conversations", kContacts + 1), kContacts + 1,
                   [](History& used) { return used.unread(kApp, "ada"); }});
  return cases;
}

std::string cpu_model() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown CPU";
}

void describe(const fs::path& file) {
  utsname system{};
  uname(&system);
  auto database = value(chat21::sqlite::Database::open(file, chat21::sqlite::Database::Access::Read,
                                                       std::chrono::seconds(1)));
  fmt::print("machine  {}, {} threads, {} {}\n", cpu_model(), std::thread::hardware_concurrency(),
             system.sysname, system.release);
  fmt::print("build    {}\n", CHAT21_BENCH_BUILD_TYPE);
  fmt::print("SQLite   {}\n", value(database.value("SELECT sqlite_version()", "ask its version")));
  fmt::print("file     {} messages of {} bytes, {} of them in one conversation; {} MiB\n",
             kMessages, kBodyBytes, kDeepMessages, fs::file_size(file) >> 20U);
  fmt::print("page     {} entries\n\n", kPageSize);
}

#ifdef NDEBUG
constexpr bool kOptimised = true;
#else
constexpr bool kOptimised = false;
#endif

int run(const fs::path& file, unsigned warm, unsigned cold) {
  if (!fs::exists(file)) build(file);
  describe(file);
  fmt::print("{:<34} {:<5} {:>7} {:>9} {:>9} {:>9} {:>9} {:>11}\n", "microseconds", "", "samples",
             "p50", "p90", "p99", "max", "KiB read");
  for (const Case& measured : cases_of(file)) {
    report(measured.name, "warm", measure_warm(measured, file, warm));
    report(measured.name, "cold", measure_cold(measured, file, cold));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string file = CHAT21_BENCH_FOLDER "/history_bench.db";
  unsigned warm = 1'000;
  unsigned cold = 100;
  CLI::App app("Cost of a page of history, by depth");
  app.add_option("--file", file, "built if it does not exist")->capture_default_str();
  app.add_option("--warm", warm, "samples from memory per case")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--cold", cold, "samples from the disk per case")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  if (!kOptimised) give_up("not measured: this is a debug build; use the preset release");
  return run(file, warm, cold);
}
