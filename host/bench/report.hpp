// report.hpp - a benchmark's result as JSON and Markdown
#pragma once

#include <string>

#include "host/bench/bench.hpp"

namespace gpuconv {

/// Where it was measured.
struct Machine {
  std::string program;  ///< version
  std::string cpu;      ///< with its threads
  std::string gpu;      ///< empty: none took part
};

Machine this_machine(const std::string& program, const std::optional<Device>& device);

/// "0.12 %", "45 %"; a dash for what is not known.
std::string percent(double share);

/// One object, a row in each line: machine, timer, rows, not_here (of the kind "limit", "slower" or
/// "error"). Times in seconds, errors relative.
std::string to_json(const Machine& machine, const BenchReport& report);
/// What a reader of a row must know: wrong, extrapolated, noisy, meaningless. Empty if nothing.
std::string remarks(const Row& row, const BenchReport& report);

/// "2026-11-29 16:20 UTC; load 0.3 before, 1.9 after, 2 cores"
std::string when(const BenchReport& report);

/// A table for people, and below it all that makes its numbers less certain.
std::string to_markdown(const Machine& machine, const BenchReport& report);

}  // namespace gpuconv
