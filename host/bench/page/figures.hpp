// figures.hpp - what a benchmark shows: charts, each with two sentences on what to see in it
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/bench/page/chart.hpp"
#include "host/bench/report.hpp"

namespace gpuconv {

struct Figure {
  std::string heading;
  Chart chart;
  std::string sentences;
};

/// Those for which `report` has the rows: three sizes of one shape for the times and the errors,
/// three numbers of taps at one length for the crossover, a measured peak for a roofline.
std::vector<Figure> figures_of(const Machine& machine, const BenchReport& report);

/// The largest problem at which at least half as many contenders were measured as at any other.
/// Null without rows.
const Problem* main_problem(const BenchReport& report);

/// The rows of `problem`.
std::vector<const Row*> rows_of(const BenchReport& report, const Problem& problem);

/// 1,234,567
std::string with_commas(std::int64_t count);

/// "200,000 samples × 70,000 taps"
std::string words_of(const Problem& problem);

}  // namespace gpuconv
