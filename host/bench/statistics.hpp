// statistics.hpp - what repeated measurements of one thing say, and how sure they are
#pragma once

#include <vector>

namespace gpuconv {

struct Statistics {
  double median = 0;
  double min = 0;
  double max = 0;
  /// The true median lies in [low, high] with 95 % confidence, whatever the distribution: two
  /// values of the sorted sample, by the binomial distribution. Fewer than 6 values cannot promise
  /// that; then it is [min, max].
  double low = 0;
  double high = 0;
  int runs = 0;

  /// Half the width of [low, high], as a share of the median.
  double uncertainty() const;
};

/// Throws std::invalid_argument for no values or a NaN among them.
Statistics summarise(std::vector<double> values);

}  // namespace gpuconv
