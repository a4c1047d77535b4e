// plans.hpp - how each GPU method is planned; no CUDA needed to name them
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

class Convolver;

/// Both sides have the same length K >= 1 and stand in host memory. `source_length` is the length
/// of the whole source, from which, with K alone, the block length follows.
using PlanConvolver = std::unique_ptr<Convolver>(Stereo<std::span<const float>> response,
                                                 std::int64_t source_length);

PlanConvolver plan_gpu_direct;
PlanConvolver plan_gpu_tiled;
PlanConvolver plan_gpu_radix2;
PlanConvolver plan_gpu_cufft;
PlanConvolver plan_gpu_fourstep;
PlanConvolver plan_gpu_fused;

/// Why there is no cuFFT here; empty if there is. Opens it.
std::string why_no_cufft();

}  // namespace gpuconv
