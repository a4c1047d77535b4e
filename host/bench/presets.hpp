// presets.hpp - the benchmarks that have a name
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "host/bench/bench.hpp"

namespace gpuconv {

struct Preset {
  std::string_view name;
  std::string_view what;
  std::vector<Problem> (*problems)(Processor processor);
  bool is_race = false;  ///< slow methods stay away
  bool has_peers = false;
  bool is_brief = false;  ///< many numbers of little time each
};

std::span<const Preset> presets();

/// Throws UsageError, which lists all names.
const Preset& find_preset(std::string_view name);

/// Its rules; what it measures, and with whom, is still to come.
Bench bench_for(const Preset& preset);

/// From 40 x 7 to 600 x 120, at most 3 clips, named by its size: for emulated GPUs, where times
/// mean nothing.
Problem tiny(Problem problem);

}  // namespace gpuconv
