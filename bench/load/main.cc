// Chat clients by the hundred, in one thread: latency at a given rate, the highest rate,
// and what idle connections cost. Real MQTT connections to a broker on 127.0.0.1; what
// answers on the other side is for the scripts in bench/ to start.
//
// Prints one line of key=value for each measurement. The exit status is 1 if a message
// is missing. One clock for senders and recipients.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "bench/load/load.h"
#include "bench/load/processes.h"

namespace chat21::bench {
namespace {

struct Settings {
  LoadOptions load;
  std::string users_file;
  std::string label = "observer";
  std::vector<std::string> watched;
  unsigned rate = 60;
  unsigned seconds = 10;
  std::size_t clients = 0;
  std::size_t warm_up = 60;
  std::size_t messages = 10000;
};

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
}

// "USER TOKEN" on each line; the first is the service's.
std::vector<User> read_users(const std::string& file, std::size_t count) {
  std::ifstream in(file);
  std::vector<User> users;
  for (User user; users.size() < count && in >> user.id >> user.token;) users.push_back(user);
  if (users.size() < count) {
    throw Trouble(fmt::format("{} has {} users, {} are needed", file, users.size(), count));
  }
  return users;
}

// One descriptor for each connection.
void allow_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// CPU of the processes and of ourselves, between two moments.
class Costs {
 public:
  explicit Costs(const std::vector<Processes>& watched)
      : watched_(watched), own_(own_cpu_seconds()) {
    for (const Processes& one : watched_) {
      one.forget_peak();
      before_.push_back(one.cpu_seconds());
    }
  }

  std::string text(std::size_t messages) const {
    constexpr double kMicroseconds = 1e6;
    const double each = kMicroseconds / static_cast<double>(messages);
    std::string text;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      text += fmt::format(" cpu_us_{}={:.1f} peak_mib_{}={:.1f}", watched_[i].name,
                          each * (watched_[i].cpu_seconds() - before_[i]), watched_[i].name,
                          watched_[i].peak_mib());
    }
    return text + fmt::format(" cpu_us_load={:.1f}", each * (own_cpu_seconds() - own_));
  }

 private:
  const std::vector<Processes>& watched_;
  double own_;
  std::vector<double> before_;
};

std::string counts(const Ledger& ledger) {
  return fmt::format("sent={} complete={} copies={} missing={} repeated={} astray={}",
                     ledger.messages(), ledger.complete(), ledger.arrived(), ledger.missing(),
                     ledger.repeated(), ledger.astray());
}

int status_of(const Ledger& ledger) {
  return ledger.missing() == 0 && ledger.astray() == 0 ? 0 : 1;
}

// As many clients as the shape needs, at least those asked for.
void complete_shape(Settings& settings) {
  Shape& shape = settings.load.shape;
  const std::size_t unit = shape.group_size == 0 ? 2 : shape.group_size;
  shape.clients = std::max<std::size_t>(settings.clients / unit, 1) * unit;
}

void bring_in(Load& load, const Settings& settings) {
  auto users = read_users(settings.users_file, settings.load.shape.clients + 1);
  const User service = users.front();
  users.erase(users.begin());
  load.connect(users);
  load.found_groups(service);
}

int run_paced(Settings& settings, const std::vector<Processes>& watched) {
  complete_shape(settings);
  Load load(settings.load);
  bring_in(load, settings);
  const Costs costs(watched);
  const std::size_t count = settings.warm_up + std::size_t{settings.rate} * settings.seconds;
  const Ledger ledger = load.pace(settings.rate, count, settings.warm_up);
  load.let_finish();
  const auto latencies = ledger.latencies();
  fmt::print("{:<10} {} p50_ms={:.3f} p90_ms={:.3f} p95_ms={:.3f} p99_ms={:.3f} max_ms={:.3f}{}\n",
             settings.label, counts(ledger), percentile(latencies, 0.50),
             percentile(latencies, 0.90), percentile(latencies, 0.95), percentile(latencies, 0.99),
             percentile(latencies, 1), costs.text(count));
  return status_of(ledger);
}

int run_flood(Settings& settings, const std::vector<Processes>& watched) {
  complete_shape(settings);
  Load load(settings.load);
  bring_in(load, settings);
  if (settings.warm_up > 0 && status_of(load.flood(settings.warm_up)) != 0) {
    throw Trouble("messages of the warm-up are missing");
  }
  load.let_finish();
  const Costs costs(watched);
  const auto began = std::chrono::steady_clock::now();
  const Ledger ledger = load.flood(settings.messages);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  load.let_finish();
  fmt::print("{:<10} {} clients={} seconds={:.2f} per_second={:.0f} copies_per_second={:.0f}{}\n",
             settings.label, counts(ledger), settings.load.shape.clients, took.count(),
             static_cast<double>(ledger.complete()) / took.count(),
             static_cast<double>(ledger.arrived()) / took.count(), costs.text(settings.messages));
  return status_of(ledger);
}

int run_idle(Settings& settings, const std::vector<Processes>& watched) {
  std::vector<double> before;
  for (const Processes& one : watched) before.push_back(one.resident_mib());
  Load load(settings.load);
  auto users = read_users(settings.users_file, settings.clients + 1);
  users.erase(users.begin());
  load.connect(users);
  std::string text;
  for (std::size_t i = 0; i < watched.size(); ++i) {
    const double now = watched[i].resident_mib();
    constexpr double kKibOfMib = 1024;
    text += fmt::format(" empty_mib_{}={:.1f} full_mib_{}={:.1f} kib_each_{}={:.1f}",
                        watched[i].name, before[i], watched[i].name, now, watched[i].name,
                        kKibOfMib * (now - before[i]) / static_cast<double>(settings.clients));
  }
  fmt::print("{:<10} clients={}{}\n", settings.label, settings.clients, text);
  return 0;
}

int run(int argc, char** argv) {
  Settings settings;
  CLI::App app("Load of chat clients on a broker at 127.0.0.1");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--port", settings.load.port, "MQTT port")->capture_default_str();
  app.add_option("--app", settings.load.app, "app id")->capture_default_str();
  app.add_option("--users", settings.users_file,
                 "file with a user and its token on each line, the first for a service")
      ->required();
  app.add_option("--qos", settings.load.qos, "of publishes and subscriptions")
      ->capture_default_str()
      ->check(CLI::Range(0, 1));
  app.add_option("--watch", settings.watched, "NAME=PID: report its CPU and memory");
  app.add_option("--label", settings.label, "first word of the report")->capture_default_str();
  app.add_option("--clients", settings.clients, "connected users; made to fit --group");
  app.add_option("--senders", settings.load.senders, "how many of them send")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--group", settings.load.shape.group_size, "members of each group; 0: direct")
      ->capture_default_str();
  app.add_option("--warm-up", settings.warm_up, "messages sent first and not counted")
      ->capture_default_str();
  app.add_option("--patience", settings.load.patience, "seconds without progress to give up")
      ->capture_default_str();

  auto* paced = app.add_subcommand("paced", "latency at a rate");
  paced->add_option("--rate", settings.rate, "messages per second")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  paced->add_option("--seconds", settings.seconds, "how long")->capture_default_str();
  auto* flood = app.add_subcommand("flood", "the highest rate");
  flood->add_option("--messages", settings.messages, "how many")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  flood->add_option("--window", settings.load.window, "messages of a sender under way")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_subcommand("idle", "memory of connections that do nothing");
  CLI11_PARSE(app, argc, argv);

  allow_files();
  const auto watched = parse_processes(settings.watched);
  if (app.got_subcommand(paced)) return run_paced(settings, watched);
  if (app.got_subcommand(flood)) return run_flood(settings, watched);
  return run_idle(settings, watched);
}

}  // namespace
}  // namespace chat21::bench

int main(int argc, char** argv) {
  try {
    return chat21::bench::run(argc, argv);
  } catch (const chat21::bench::Trouble& trouble) {
    fmt::print(stderr, "chat21-load: {}\n", trouble.what());
    return 1;
  }
}
