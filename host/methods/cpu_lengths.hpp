// cpu_lengths.hpp - the one thing all one-ear methods check
#pragma once

#include <span>

namespace gpuconv {

/// Throws std::invalid_argument unless `source` and `response` have samples and `wet` has room for
/// exactly N+K-1.
void check_lengths(std::span<const float> source, std::span<const float> response,
                   std::span<const float> wet);

}  // namespace gpuconv
