// cufft_chains.hpp - what one writes with cuFFT, in three ways: peers that our methods are measured
// against
//
//   y_c,e[n] = sum_k h_e[k] x_c[n-k],   0 <= n < N+K-1,   for clips c and sides e
//
//   straightforward  pad, transform, and for each side multiply, transform back, scale and crop
//   lean             the best without callbacks: clips lie padded in memory from the start, the
//                    scale is in the cached spectra, both sides in one product and one batch back,
//                    wet signals stay where the transform leaves them
//   overlap-save     blocks of one transform length; windows are gathered, results cropped
//
// All of them: one plan each way for all clips or as many blocks as `kMostFloats` hold, the
// response's spectra cached, nothing allocated after planning. Limits: fewer than 2^31 floats in
// any buffer.
#pragma once

#include <memory>
#include <span>

#include "cuda/runtime/resources.hpp"
#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

class CufftChain {
 public:
  virtual ~CufftChain() = default;  // GCOVR_EXCL_LINE: is always inlined
  /// Queues all clips and both sides; nothing is allocated and nobody waits.
  virtual void enqueue(const Stream& stream) = 0;
  /// Queues the transforms of the response once more, as if it were a new one.
  virtual void enqueue_response(const Stream& stream) = 0;
  /// Queues a NaN into every wet sample, and into every number that enqueue_response() writes.
  virtual void poison(const Stream& stream) = 0;
  virtual void poison_response(const Stream& stream) = 0;
  /// Queues copies of the wet signals, one clip after another, to `wet` in host memory.
  virtual void download(Side side, std::span<float> wet, const Stream& stream) const = 0;
};

/// Clips one after another in host memory, all of one length.
struct Clips {
  std::span<const float> source;
  int count;
  int length() const { return static_cast<int>(source.size()) / count; }
};

/// `length` is that of the transforms: N + K - 1 or more; of overlap-save K or more. They throw
/// CufftError, CudaError, and std::invalid_argument for what exceeds the limits.
std::unique_ptr<CufftChain> plan_cufft_straightforward(Stereo<std::span<const float>> response,
                                                       const Clips& clips, int length);
std::unique_ptr<CufftChain> plan_cufft_lean(Stereo<std::span<const float>> response,
                                            const Clips& clips, int length);
std::unique_ptr<CufftChain> plan_cufft_overlap_save(Stereo<std::span<const float>> response,
                                                    const Clips& clips, int length);
/// As above, with windows of most_floats samples or one window in a batch.
std::unique_ptr<CufftChain> plan_cufft_overlap_save_in_batches(
    Stereo<std::span<const float>> response, const Clips& clips, int length, int most_floats);

}  // namespace gpuconv
