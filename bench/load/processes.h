// What processes cost, as /proc says.
#pragma once

#include <string>
#include <vector>

namespace chat21::bench {

// Several processes under one name, as "broker". Throws Trouble if one is gone.
struct Processes {
  std::string name;
  std::vector<int> ids;

  double cpu_seconds() const;  // in steps of 10 ms
  double resident_mib() const;
  double peak_mib() const;  // since forget_peak(), or the start
  void forget_peak() const;
};

// "NAME=PID", each name once or more often.
std::vector<Processes> parse_processes(const std::vector<std::string>& words);

double own_cpu_seconds();

}  // namespace chat21::bench
