#include "host/bench/outliers.hpp"

#include <algorithm>

namespace gpuconv {
namespace {

constexpr double kFar = 3;  // caches and the choice of a transform's length explain less

bool is_within(const Problem& a, const Problem& b) { return a.N <= b.N && a.K <= b.K; }

/// Both were measured, and one problem is part of the other.
bool are_comparable(const Row& a, const Row& b) {
  return a.contender == b.contender && a.problem.clips == b.problem.clips && !a.is_extrapolated &&
         !b.is_extrapolated && (is_within(a.problem, b.problem) || is_within(b.problem, a.problem));
}

}  // namespace

std::set<const Row*> out_of_line(const std::vector<const Row*>& rows) {
  std::set<const Row*> found;
  for (const Row* const row : rows) {
    for (const Row* const other : rows) {
      if (!are_comparable(*row, *other) || !(other->seconds.median > 0)) continue;
      const double growth = std::max(1.0, static_cast<double>(row->problem.N) /
                                              static_cast<double>(other->problem.N)) *
                            std::max(1.0, static_cast<double>(row->problem.K) /
                                              static_cast<double>(other->problem.K));
      if (row->seconds.median > kFar * growth * other->seconds.median) found.insert(row);
    }
  }
  return found;
}

}  // namespace gpuconv
