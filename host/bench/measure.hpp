// measure.hpp - several things that take turns, each until its median is known well enough
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "host/bench/statistics.hpp"

namespace gpuconv {

/// When to stop.
struct Rule {
  int warm_ups = 2;
  int fewest = 11;      ///< runs, however tight
  int most = 501;       ///< runs, however wide
  double tight = 0.01;  ///< uncertainty of the median that is good enough
  double seconds = 3;   ///< of measuring one thing; it is given its fewest runs all the same, but
                        ///< no more than `patience`
  double patience = 20;
};

/// Runs one thing once and returns the seconds it took.
using TimedRun = std::function<double()>;

/// Told before each run: which one, and the values so far.
using WatchTurns =
    std::function<void(std::size_t run, std::span<const std::vector<double>> values)>;

/// The values of each run, in the order of `runs`. They take turns, so that what disturbs the
/// machine for a while disturbs all of them; value i of each belongs to the same round.
std::vector<std::vector<double>> take_turns(
    std::span<const TimedRun> runs, const Rule& rule, const WatchTurns& watch = [](auto...) {});

/// Seconds until `values` are enough, by estimate; `of_run`: of one run, if none was made.
double seconds_left(std::span<const double> values, double of_run, const Rule& rule);

/// Median of value / anchor over the rounds that both took part in.
Statistics ratio(std::span<const double> values, std::span<const double> anchor);

}  // namespace gpuconv
