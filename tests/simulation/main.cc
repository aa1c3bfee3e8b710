// simulation: runs simulated worlds, see lib/testing/simulation/simulation.h.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "lib/testing/simulation/simulation.h"

namespace {

using chat21::testing::all_mutations;
using chat21::testing::Mutation;
using chat21::testing::mutation_of;
using chat21::testing::simulate;
using chat21::testing::Simulated;
using chat21::testing::to_string;

constexpr std::uint64_t kProgressEvery = 10000;

struct Request {
  std::uint64_t from = 1;
  std::uint64_t to = 1000;
  bool verbose = false;
  Mutation mutation = Mutation::None;
};

int usage(std::string_view why) {
  std::fprintf(stderr, "simulation: %s\n", std::string(why).c_str());
  std::fputs(
      "usage: simulation [--seed N | --seeds FROM-TO] [--verbose] [--mutation NAME]\n"
      "\n"
      "Runs the worlds with these seeds (default 1-1000) until one shows what must not be, and\n"
      "ends with status 1 then. --verbose tells all that happens. --mutation breaks the "
      "observer:\n",
      stderr);
  for (const Mutation one : all_mutations()) {
    std::fprintf(stderr, "  %s\n", std::string(to_string(one)).c_str());
  }
  return 2;
}

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_seeds(std::string_view text, Request& request) {
  const std::size_t dash = text.find('-');
  return dash != std::string_view::npos && read_number(text.substr(0, dash), request.from) &&
         read_number(text.substr(dash + 1), request.to) && request.from <= request.to;
}

// Why it cannot be read, or nothing.
std::optional<std::string> read(int argc, char** argv, Request& request) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--verbose") {
      request.verbose = true;
      continue;
    }
    const std::string_view value = ++i < argc ? argv[i] : "";
    if (name == "--seed") {
      if (!read_number(value, request.from)) return "--seed needs a number";
      request.to = request.from;
    } else if (name == "--seeds") {
      if (!read_seeds(value, request)) return "--seeds needs two numbers, as in 1-1000";
    } else if (name == "--mutation") {
      const auto mutation = mutation_of(value);
      if (!mutation) return "there is no mutation '" + std::string(value) + "'";
      request.mutation = *mutation;
    } else {
      return "unknown option '" + std::string(name) + "'";
    }
  }
  return std::nullopt;
}

int fail(std::uint64_t seed, const Request& request, const char* program, const Simulated& world) {
  std::string again = std::string(program) + " --seed " + std::to_string(seed) + " --verbose";
  if (request.mutation != Mutation::None) {
    again += " --mutation " + std::string(to_string(request.mutation));
  }
  std::printf("seed %llu: %s\nrun it again: %s\n", static_cast<unsigned long long>(seed),
              world.violation->c_str(), again.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Request request;
  if (const auto why = read(argc, argv, request)) return usage(*why);
  std::function<void(const std::string&)> trace;
  if (request.verbose) trace = [](const std::string& line) { std::puts(line.c_str()); };

  Simulated all;
  const std::uint64_t count = request.to - request.from + 1;
  for (std::uint64_t done = 0; done < count; ++done) {
    const std::uint64_t seed = request.from + done;
    const Simulated world = simulate(seed, request.mutation, trace);
    if (world.violation) return fail(seed, request, argv[0], world);
    all.deaths += world.deaths;
    all.counts.accepted += world.counts.accepted;
    all.counts.stored += world.counts.stored;
    all.counts.received += world.counts.received;
    all.counts.losses += world.counts.losses;
    all.counts.merged += world.counts.merged;
    all.counts.doubled += world.counts.doubled;
    if ((done + 1) % kProgressEvery == 0 && done + 1 < count) {
      std::printf("%llu seeds\n", static_cast<unsigned long long>(done + 1));
      std::fflush(stdout);
    }
  }
  std::printf(
      "%llu seeds, nothing found: %zu messages accepted, %zu stored, %zu copies received; %zu "
      "deaths, "
      "%zu connections lost; of equal texts %zu taken for repeats and %zu stored again, all where "
      "that is allowed\n",
      static_cast<unsigned long long>(count), all.counts.accepted, all.counts.stored,
      all.counts.received, all.deaths, all.counts.losses, all.counts.merged, all.counts.doubled);
  return 0;
}
