#include "bench/load/processes.h"

#include <charconv>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/load/connection.h"

namespace chat21::bench {
namespace {

std::string path_of(int id, const char* file) {
  return "/proc/" + std::to_string(id) + '/' + file;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  if (text.str().empty()) throw Trouble("cannot read " + path + ": the process has ended");
  return text.str();
}

double cpu_seconds_of(int id) {
  const std::string text = read_file(path_of(id, "stat"));
  // The second field is a name, in brackets and with anything in it.
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double status_mib(int id, const std::string& field) {
  const std::string text = read_file(path_of(id, "status"));
  const auto at = text.find(field + ":");
  if (at == std::string::npos) throw Trouble("process " + std::to_string(id) + " has ended");
  constexpr double kKibOfMib = 1024;
  return std::stod(text.substr(at + field.size() + 1)) / kKibOfMib;
}

template <class Of>
double sum(const std::vector<int>& ids, Of of) {
  double total = 0;
  for (const int id : ids) total += of(id);
  return total;
}

}  // namespace

double Processes::cpu_seconds() const {
  return sum(ids, cpu_seconds_of);
}

double Processes::resident_mib() const {
  return sum(ids, [](int id) { return status_mib(id, "VmRSS"); });
}

double Processes::peak_mib() const {
  return sum(ids, [](int id) { return status_mib(id, "VmHWM"); });
}

void Processes::forget_peak() const {
  for (const int id : ids) std::ofstream(path_of(id, "clear_refs")) << "5";  // proc(5)
}

std::vector<Processes> parse_processes(const std::vector<std::string>& words) {
  std::vector<Processes> all;
  for (const std::string& word : words) {
    const auto at = word.find('=');
    int id = 0;
    if (at == std::string::npos || at == 0 ||
        std::from_chars(word.data() + at + 1, word.data() + word.size(), id).ec != std::errc() ||
        id <= 0) {
      throw Trouble("--watch '" + word + "' is not NAME=PID");
    }
    const std::string name = word.substr(0, at);
    if (all.empty() || all.back().name != name) all.push_back({.name = name, .ids = {}});
    all.back().ids.push_back(id);
  }
  return all;
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  constexpr double kMicroseconds = 1e-6;
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         kMicroseconds * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace chat21::bench
