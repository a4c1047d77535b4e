// exponent.hpp - how the time of a method grows with the size of the problem
#pragma once

#include <string>
#include <vector>

#include "host/bench/bench.hpp"

namespace gpuconv {

/// seconds = c N^value, for problems whose N and K grow together.
struct Exponent {
  std::string contender;
  double value = 0;
  double error = 0;               ///< standard error of the fit
  std::int64_t from = 0, to = 0;  ///< N of the sizes it was fitted to
  int sizes = 0;
};

/// Least squares of log time over log N, for each contender with at least three sizes, measured and
/// in line, of the same K / N in one clip. Of more sizes the longer half (by the logarithm) counts:
/// short ones tell what a start costs.
std::vector<Exponent> fit_exponents(const std::vector<Row>& rows);

}  // namespace gpuconv
