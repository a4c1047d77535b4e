// gpu_renderer.hpp - the job on a CUDA device
#pragma once

#include <cstdint>
#include <memory>

#include "cuda/methods/plans.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {

/// On CUDA device `device`. Throws GpuError.
std::unique_ptr<Renderer> make_gpu_renderer(PlanConvolver* plan, const Stereo<Signal>& response,
                                            std::int64_t source_length, int device);

}  // namespace gpuconv
