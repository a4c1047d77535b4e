// cpu_peaks.hpp - what this processor can do at all, measured: the ceilings that rows are held to
#pragma once

#include <cstddef>

#include "cuda/runtime/peaks.hpp"

namespace gpuconv {

/// Best of `runs`, all cores. `copied_bytes` in all, more than the caches hold; `fma_rounds` of 16
/// vectors each.
Peaks measure_cpu_peaks(std::size_t copied_bytes, int fma_rounds, int runs);

}  // namespace gpuconv
