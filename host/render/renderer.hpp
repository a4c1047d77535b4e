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
  /// Stages overlap, so these may add up to more than the elapsed time: "read" is that of the
  /// thread that reads, "wait" (for the GPU) and "write" those of the thread that writes.
  std::vector<StageTime> stages;
};

class Renderer {
 public:
  virtual ~Renderer() = default;
  /// Reads `source` to its end and writes all frames in order. Throws what `source` and `wet`
  /// throw; where several things fail, the first one.
  ///
  /// A renderer of a GPU calls both on the calling thread if one block is all of the source, and
  /// otherwise each on a thread of its own, at the same time and before run() returns: `source` is
  /// up to four blocks ahead. The last frames, which follow the source, come on the calling thread.
  /// Neither is called by two threads at a time, and a call of `wet` sees what the calls of
  /// `source` did that read its samples. If something else fails, a call that waits for a pipe is
  /// interrupted, and stop_if_interrupted() throws in it. A renderer of a CPU calls both on the
  /// calling thread, unless it was told that `source` may be called on any (cpu_renderer.hpp).
  virtual RenderReport run(const ReadSource& source, const WriteWet& wet) = 0;
};

/// What GPU methods may take of device memory from now on, in bytes.
void limit_gpu_memory(std::size_t bytes);

/// Builds the method's plan for `response`. `source_length` is N (from
/// kEndless on, any number will do). `device` is the CUDA device of GPU methods. Throws GpuError.
std::unique_ptr<Renderer> make_renderer(const Method& method, const Stereo<Signal>& response,
                                        std::int64_t source_length, int device);

}  // namespace gpuconv
