// outliers.hpp - times that do not fit those of other sizes
#pragma once

#include <set>
#include <vector>

#include "host/bench/bench.hpp"

namespace gpuconv {

/// Measured rows that take much longer than the same method for a longer source and response, or
/// than the work of shorter ones explains: no method grows faster than N K. Noise only adds time,
/// so the slower one of two is the outlier.
std::set<const Row*> out_of_line(const std::vector<const Row*>& rows);

}  // namespace gpuconv
