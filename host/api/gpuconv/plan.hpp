// plan.hpp - one response of two ears, planned once, convolved with any number of sources in memory
//
//   y_e[n] = sum_{k=0}^{K-1} h_e[k] x[n-k],   0 <= n < N+K-1,   x = 0 outside [0, N)
//
//   x  source    N floats          linear sample amplitude, full scale = 1
//   h  response  2 x K floats      gain per sample of delay
//   y  wet       2 x (N+K-1) floats
//
// The bytes are those of `gpuconv render` for the same samples and method.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cuda/runtime/stereo.hpp"
#include "gpuconv/export.hpp"
#include "host/base/error.hpp"
#include "host/read/input_tolerance.hpp"

namespace gpuconv {

struct PlanOptions {
  std::string method = "auto";  ///< a name of the ladder, or "auto": the fastest by estimate
  std::string device = "auto";  ///< auto, cpu, cuda or cuda:N
  NonFinite nonfinite = NonFinite::error;  ///< samples and taps that are NaN or infinite
};

/// What a call did.
struct Report {
  std::string method;         ///< the one that ran; empty for a batch of no clips
  std::string device;         ///< "CPU", or "cuda:0 (name)"
  std::string why;            ///< how the method was chosen
  std::int64_t replaced = 0;  ///< samples that were NaN or infinite and became 0
};

/// Called between blocks, for a CPU method on the calling thread, for a GPU method perhaps on
/// another one. What it throws ends the work and is thrown to the caller.
using BetweenBlocks = std::function<void()>;

class PlanEngines;
class PlanStream;
class StreamState;

/// A response with its spectra. May be used by several threads at once, and moved while none does.
/// A GPU serves one call after the other.
///
/// "auto" chooses for each length of source; as in a batch, a GPU's start-up does not count.
class GPUCONV_API Plan {
 public:
  /// Both ears have the same number of taps K, at least 1; they are copied. Throws UsageError for
  /// other lengths, NaN or infinity (unless they become 0), an unknown method or device; GpuError
  /// if that GPU is missing.
  explicit Plan(const Stereo<std::span<const float>>& response, const PlanOptions& options = {});
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  std::int64_t taps() const;  ///< K

  /// What would convolve a source of N >= 1 samples, and why. Throws UsageError if nothing can.
  Report choice(std::int64_t samples) const;

  /// Convolves N >= 1 samples. Each ear of `wet` has N+K-1 floats and overlaps neither `source` nor
  /// the other ear. Throws UsageError for wrong lengths, for NaN and infinity in the source and
  /// where the result overflows; GpuError, and what `between` throws.
  Report convolve(std::span<const float> source, const Stereo<std::span<float>>& wet,
                  const BetweenBlocks& between = {}) const;

  /// Convolves `clips` sources of equal length; see the function convolve_clips().
  Report convolve_clips(std::int64_t clips, std::span<const float> sources, std::span<float> wet,
                        const BetweenBlocks& between = {}) const;

  /// Queues N >= 1 samples in `stream`, a cudaStream_t (null: the default stream), by a GPU method.
  /// All memory lies on the device that device() names, and belongs to the caller until the stream
  /// is done; `wet` is as for convolve(). The host does not wait, except where a length is planned
  /// for the first time, and so nothing looks for NaN. Throws UsageError for wrong lengths, a CPU
  /// method or device "cpu"; GpuError.
  void enqueue(std::span<const float> source, const Stereo<std::span<float>>& wet,
               void* stream) const;

  /// Number of the CUDA device that enqueue() uses. Throws GpuError if there is none.
  int device() const;

  /// A source that comes in blocks. The stream keeps what it needs of the plan.
  PlanStream stream() const;

 private:
  friend std::vector<Plan> make_plans(std::int64_t, std::span<const float>, const PlanOptions&);
  friend Report convolve_clips(std::span<const Plan* const>, std::span<const float>,
                               std::span<float>, const BetweenBlocks&);
  friend Report convolve_voices(std::span<const Plan* const>, std::span<const float>,
                                std::span<float>, const BetweenBlocks&);
  explicit Plan(std::shared_ptr<PlanEngines> engines);
  std::shared_ptr<PlanEngines> engines_;
};

/// A plan for each of `responses` responses that stand one after the other: R x 2 x K taps, for
/// each response the left ear, then the right one. Throws as a Plan does; the message names the
/// response.
GPUCONV_API std::vector<Plan> make_plans(std::int64_t responses, std::span<const float> taps,
                                         const PlanOptions& options = {});

/// Convolves clip i by `plans[i]`; they may be one plan or several, of responses of one length and
/// with the same options. Sources of equal length stand one after the other: C x N samples become
/// C x 2 x (N+K-1) floats, for each clip the left ear, then the right one. CPU methods spread clips
/// over all cores. Throws as Plan::convolve() does; the message names the clip.
GPUCONV_API Report convolve_clips(std::span<const Plan* const> plans,
                                  std::span<const float> sources, std::span<float> wet,
                                  const BetweenBlocks& between = {});

/// Sums V voices into two ears: wet = sum_v h_v * x_v, where voice v is source v with the response
/// of `plans[v]`; see host/methods/voice.hpp. Sources of equal length stand one after the other: V
/// x N samples become 2 x (N+K-1) floats, the left ear, then the right one; K is the taps of the
/// longest response. The voices share the transforms back: V + 2 transforms of a segment instead of
/// 3 V. The bytes are those of `gpuconv scene` for the same voices. Without voices `wet` is empty.
/// Throws as Plan::convolve() does; the message names the voice.
GPUCONV_API Report convolve_voices(std::span<const Plan* const> plans,
                                   std::span<const float> sources, std::span<float> wet,
                                   const BetweenBlocks& between = {});

/// Frames of a source whose samples come block by block: those of `gpuconv render` from a pipe.
/// One thread at a time. Frames come many at a time, and the first ones late: cpu-vectorised plans
/// by the first 262,144 samples. Memory does not grow with the source.
class GPUCONV_API PlanStream {
 public:
  PlanStream(PlanStream&&) noexcept;
  PlanStream& operator=(PlanStream&&) noexcept;
  ~PlanStream();

  /// Takes any number of samples and returns the next frames, perhaps none. Throws UsageError after
  /// finish(), and as Plan::convolve() does; after an error the stream is of no use.
  Stereo<std::vector<float>> push(std::span<const float> source);

  /// Returns the rest of the N+K-1 frames; none if N = 0.
  Stereo<std::vector<float>> finish();

 private:
  friend class Plan;
  explicit PlanStream(std::unique_ptr<StreamState> state);
  std::unique_ptr<StreamState> state_;
};

/// One source and one response: Plan and convolve() at once. Throws what they throw.
GPUCONV_API Stereo<std::vector<float>> convolve(std::span<const float> source,
                                                const Stereo<std::span<const float>>& response,
                                                const PlanOptions& options = {});

}  // namespace gpuconv
