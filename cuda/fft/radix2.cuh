// radix2.cuh - Cooley-Tukey with radix-2 butterflies, batched, for power-of-two lengths M >= 2
//
//   forward   Z[k] = sum_{n<M} z[n] exp(-2 pi i n k / M)    decimation in frequency
//   inverse   z[n] = sum_{k<M} Z[k] exp(+2 pi i n k / M)    decimation in time, no 1/M
//
// The forward transform takes natural order and leaves bit-reversed order; the inverse takes
// bit-reversed order and leaves natural order. Between them a convolution only multiplies, so no
// one ever reverses bits.
//
// Idea     A stage is M/2 independent butterflies on pairs `half` apart, half = M/2 ... 2, 1. Once
//          a part of the sequence fits into shared memory (kSharedLength), all its remaining
//          stages are done there in one launch. Only the few longer stages go through device
//          memory, one launch each. A launch covers all transforms of a batch.
// Order    every butterfly is the same two sums and one product wherever it runs: deterministic.
// Load     load(transform, n) gives an element of the first stage, store(transform, n, value) takes
//          one of the last: padding, folding, products and cropping cost no pass of their own.
// Limits   batch * M < 2^31.
#pragma once

#include <algorithm>
#include <bit>
#include <span>

#include "cuda/fft/complex.cuh"
#include "cuda/fft/roots.hpp"
#include "cuda/runtime/launch.cuh"
#include "cuda/runtime/resources.hpp"

namespace gpuconv::radix2 {

inline constexpr int kSharedLength = 4096;  // 32 KiB: fits every GPU without asking for more
inline constexpr int kThreads = 512;
// Longer transforms have whole blocks of butterflies.
static_assert(kSharedLength % kThreads == 0);

/// Elements where they stand: transform after transform.
struct InPlace {
  float2* elements;
  int length;
  __device__ float2 operator()(int transform, int n) const {
    return elements[transform * length + n];
  }
  __device__ void operator()(int transform, int n, float2 value) const {
    elements[transform * length + n] = value;
  }
};

/// (a, b) -> (a + b, (a - b) w)
__device__ inline void butterfly_forward(float2& a, float2& b, float2 w) {
  const float2 difference = subtract(a, b);
  a = add(a, b);
  b = multiply(difference, w);
}

/// (a, b) -> (a + b conj(w), a - b conj(w))
__device__ inline void butterfly_inverse(float2& a, float2& b, float2 w) {
  const float2 turned = multiply_conjugate(b, w);
  b = subtract(a, turned);
  a = add(a, turned);
}

/// One stage through device memory: a thread does one butterfly, and none is left over.
template <bool is_forward, typename Load, typename Store>
__global__ void __launch_bounds__(kThreads)
    stage_kernel(Load load, Store store, int log2_length, int log2_half,
                 const float2* __restrict__ twiddles) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int half = 1 << log2_half;
  const int transform = i >> (log2_length - 1);
  const int j = i & (half - 1);
  const int butterfly = i & ((1 << (log2_length - 1)) - 1);
  const int n = ((butterfly >> log2_half) << (log2_half + 1)) + j;
  float2 a = load(transform, n);
  float2 b = load(transform, n + half);
  if constexpr (is_forward) {
    butterfly_forward(a, b, twiddles[half + j]);
  } else {
    butterfly_inverse(a, b, twiddles[half + j]);
  }
  store(transform, n, a);
  store(transform, n + half, b);
}

/// All stages within parts of 2^log2_part elements: a block does one part in shared
/// memory.
template <bool is_forward, typename Load, typename Store>
__global__ void __launch_bounds__(kThreads)
    part_kernel(Load load, Store store, int log2_length, int log2_part,
                const float2* __restrict__ twiddles) {
  BlockShared shared;
  const int part = 1 << log2_part;
  float2* const z = shared.take<float2>(part);
  const int log2_parts = log2_length - log2_part;  // of one transform
  const int transform = static_cast<int>(blockIdx.x) >> log2_parts;
  const int first = (static_cast<int>(blockIdx.x) & ((1 << log2_parts) - 1)) << log2_part;
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);

  for (int n = thread; n < part; n += threads) z[n] = load(transform, first + n);
  for (int stage = 0; stage < log2_part; ++stage) {
    __syncthreads();  // the elements of the stage before are complete
    const int log2_half = is_forward ? log2_part - 1 - stage : stage;
    const int half = 1 << log2_half;
    for (int i = thread; i < part / 2; i += threads) {
      const int j = i & (half - 1);
      const int n = ((i >> log2_half) << (log2_half + 1)) + j;
      if constexpr (is_forward) {
        butterfly_forward(z[n], z[n + half], twiddles[half + j]);
      } else {
        butterfly_inverse(z[n], z[n + half], twiddles[half + j]);
      }
    }
  }
  __syncthreads();  // the last stage is complete
  for (int n = thread; n < part; n += threads) store(transform, first + n, z[n]);
}

/// Twiddles for one length, and the launches of a batch of transforms.
class Transform {
 public:
  /// `length` is a power of two, at least 2. Waits for the upload of the twiddles.
  Transform(int length, const Stream& stream)
      : log2_length_(std::countr_zero(static_cast<unsigned>(length))),
        log2_part_(std::min(log2_length_, std::countr_zero(unsigned{kSharedLength}))),
        twiddles_(static_cast<std::size_t>(length)) {
    const std::vector<float2> table = stage_twiddles(length);
    upload_async<float2>(table, twiddles_.span(), stream);
    stream.synchronize();
  }

  int length() const { return 1 << log2_length_; }

  /// Launches that forward() and inverse() each make.
  int launches() const { return log2_length_ - log2_part_ + 1; }

  /// Writes the bit-reversed transforms of what `load` gives to `spectra`, batch * length().
  template <typename Load>
  void forward(const Load& load, int batch, std::span<float2> spectra, const Stream& stream) const {
    const InPlace in_place{spectra.data(), length()};
    if (log2_length_ == log2_part_) {
      launch_parts<true>(load, in_place, batch, stream);
      return;
    }
    launch_stage<true>(load, in_place, batch, log2_length_ - 1, stream);
    for (int log2_half = log2_length_ - 2; log2_half >= log2_part_; --log2_half) {
      launch_stage<true>(in_place, in_place, batch, log2_half, stream);
    }
    launch_parts<true>(in_place, in_place, batch, stream);
  }

  /// Hands the inverse transforms of the bit-reversed spectra that `load` gives to `store`. `work`
  /// holds batch * length() elements, or none if launches() == 1.
  template <typename Load, typename Store>
  void inverse(const Load& load, const Store& store, int batch, std::span<float2> work,
               const Stream& stream) const {
    if (log2_length_ == log2_part_) {
      launch_parts<false>(load, store, batch, stream);
      return;
    }
    const InPlace in_place{work.data(), length()};
    launch_parts<false>(load, in_place, batch, stream);
    for (int log2_half = log2_part_; log2_half < log2_length_ - 1; ++log2_half) {
      launch_stage<false>(in_place, in_place, batch, log2_half, stream);
    }
    launch_stage<false>(in_place, store, batch, log2_length_ - 1, stream);
  }

 private:
  template <bool is_forward, typename Load, typename Store>
  void launch_stage(const Load& load, const Store& store, int batch, int log2_half,
                    const Stream& stream) const {
    const int butterflies = batch << (log2_length_ - 1);
    const LaunchShape shape{static_cast<unsigned>(butterflies / kThreads), kThreads};
    launch(stage_kernel<is_forward, Load, Store>, shape, stream, load, store, log2_length_,
           log2_half, twiddles_.data());
  }

  template <bool is_forward, typename Load, typename Store>
  void launch_parts(const Load& load, const Store& store, int batch, const Stream& stream) const {
    const int part = 1 << log2_part_;
    const LaunchShape shape{static_cast<unsigned>(batch << (log2_length_ - log2_part_)),
                            static_cast<unsigned>(std::min(kThreads, part / 2)),
                            shared_array_bytes<float2>(part)};
    launch(part_kernel<is_forward, Load, Store>, shape, stream, load, store, log2_length_,
           log2_part_, twiddles_.data());
  }

  int log2_length_;
  int log2_part_;
  DeviceBuffer<float2> twiddles_;
};

}  // namespace gpuconv::radix2
