// renderer.hpp - a whole source in, a whole wet signal out
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cuda/blocks/level.hpp"
#include "host/base/signal.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {

struct StageTime {
  std::string stage;
  double seconds;
};

struct RenderReport {
  std::int64_t source_samples = 0;
  std::int64_t frames = 0;  ///< N + K - 1
  /// What the device found in the frames before they left it; absent for CPU methods.
  std::optional<Stereo<Level>> device_levels;
  /// Stages overlap, so these may add up to more than the elapsed time.
  std::vector<StageTime> stages;
};

class Renderer {
 public:
  virtual ~Renderer() = default;
  /// Reads `source` to its end and writes all frames in order.
  virtual RenderReport run(const ReadSource& source, const WriteWet& wet) = 0;
};

/// What GPU methods may take of device memory from now on, in bytes.
void limit_gpu_memory(std::size_t bytes);

/// Builds the method's plan for `response`. `source_length` is N (from
/// kEndless on, any number will do). `device` is the CUDA device of GPU methods. Throws GpuError.
std::unique_ptr<Renderer> make_renderer(const Method& method, const Stereo<Signal>& response,
                                        std::int64_t source_length, int device);

}  // namespace gpuconv
