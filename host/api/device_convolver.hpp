// device_convolver.hpp - sources and frames that lie on the device, in a stream of the caller
#pragma once

#include <cstdint>
#include <memory>

#include "cuda/methods/plans.hpp"
#include "host/base/signal.hpp"

namespace gpuconv {

class DeviceConvolver {
 public:
  virtual ~DeviceConvolver() = default;

  /// Queues the N+K-1 frames of N samples in `stream`, a cudaStream_t; nobody waits. Calls may name
  /// different streams: a later one begins after an earlier one. Throws GpuError.
  virtual void enqueue(std::span<const float> source, const Stereo<std::span<float>>& wet,
                       void* stream) = 0;
};

/// Plans as make_gpu_renderer() does, so that the bytes are the same. Throws GpuError.
std::unique_ptr<DeviceConvolver> make_device_convolver(PlanConvolver* plan,
                                                       const Stereo<Signal>& response,
                                                       std::int64_t source_length, int device);

}  // namespace gpuconv
