#include "host/bench/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace gpuconv {
namespace {

/// Index of the lower end of the interval: the most values that may be left out on either side.
/// k of n values lie below the median with probability C(n, k) / 2^n.
std::size_t rank_of_low(std::size_t n) {
  constexpr double kEachTail = 0.025;
  double probability = std::exp2(-static_cast<double>(n));
  double tail = probability;
  std::size_t rank = 0;
  while (tail <= kEachTail && 2 * (rank + 1) < n) {
    ++rank;
    probability *= static_cast<double>(n - rank + 1) / static_cast<double>(rank);
    tail += probability;
  }
  return rank == 0 ? 0 : rank - 1;
}

}  // namespace

double Statistics::uncertainty() const {
  if (high == low) return 0;
  return median > 0 ? (high - low) / (2 * median) : std::numeric_limits<double>::infinity();
}

Statistics summarise(std::vector<double> values) {
  if (values.empty()) throw std::invalid_argument("no values to summarise");
  for (const double value : values) {
    if (std::isnan(value)) throw std::invalid_argument("a measured value is NaN");
  }
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  // 2^-1074 is the smallest double; so many runs are sure enough with any rank.
  const std::size_t low = rank_of_low(std::min<std::size_t>(n, 1000));
  Statistics statistics;
  statistics.median = n % 2 == 1 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2;
  statistics.min = values.front();
  statistics.max = values.back();
  statistics.low = values[low];
  statistics.high = values[n - 1 - low];
  statistics.runs = static_cast<int>(n);
  return statistics;
}

}  // namespace gpuconv
