// gpu_tiled.cu - method "gpu-tiled"
//
//   y[n] = sum_{k=0}^{K-1} h[k] x[n-k],   0 <= n < N+K-1,   x = 0 outside [0, N)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats
//
// Idea     A block owns a tile of neighbouring outputs and walks the taps in blocks of kTapBlock,
//          staging the taps and the samples they can touch in shared memory. A thread owns kOutputs
//          neighbouring outputs and takes kTaps taps at a time: kTaps + kOutputs samples in
//          registers serve kTaps * kOutputs products, and the next taps need only kTaps new ones.
// Balance  Outputs near both ends meet few taps. A block that does outputs from n on also does
// those
//          max(N, K) later: together they meet min(N, K) taps, whatever n is. If too few such
//          blocks come together to fill the last round of all multiprocessors, tiles are half as
//          long.
// Launch   grid ceil(max(N, K)/tile), block kThreads.
// Order    each y[n] is one float sum in ascending k, fused: deterministic, equal to gpu-direct
//          up to the sign of zero.
// Cost     2NK flops and what the tiles' edges add, exactly in cost(); device bytes about
//          4 (N+K) K / tile, from the cache.
// Limits   N+K-1 and a tile fit an int. No limit on K but time: quadratic.
#include <algorithm>

#include "cuda/methods/direct.hpp"
#include "cuda/methods/direct_voices.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 128;
constexpr int kTaps = 8;  // per step
constexpr int kTapBlock = 512;
static_assert(kTapBlock % kTaps == 0 && kTaps % 4 == 0);

/// Tiles whose threads have kOutputs outputs each.
template <int kOutputs>
struct Tiles {
  static constexpr int kTile = kThreads * kOutputs;
  static constexpr int kWindow = kTile + kTapBlock;
  static constexpr int kPaddedWindow = kWindow + (kWindow / 32) * 4;
  static_assert(kOutputs % kTaps == 0);

  static int blocks(int source_length, int response_length) {
    return ceil_div(std::max(source_length, response_length), kTile);
  }
};

/// Where sample i of the window stands in shared memory. Threads read 16 bytes each, 8 or 16 floats
/// apart; four spare floats after every 32 spread each group of eight such reads over all 32 banks.
__device__ inline int padded(int i) { return i + (i >> 5) * 4; }

/// Stages taps [tap_block_start, tap_block_start + kTapBlock), zeros after the last.
__device__ inline void stage_tap_block(const float* __restrict__ response, int response_length,
                                       int tap_block_start, float* tap_block) {
  for (int i = static_cast<int>(threadIdx.x); i < kTapBlock; i += kThreads) {
    const int k = tap_block_start + i;
    tap_block[i] = k < response_length ? response[k] : 0.0f;
  }
}

/// Stages samples [window_start, window_start + kWindow), zeros outside the source.
template <int kWindow>
__device__ inline void stage_window(const float* __restrict__ source, int source_length,
                                    int window_start, float* window) {
  for (int i = static_cast<int>(threadIdx.x); i < kWindow; i += kThreads) {
    const int n = window_start + i;
    window[padded(i)] = n >= 0 && n < source_length ? source[n] : 0.0f;
  }
}

template <int kCount>
__device__ inline void read_aligned(const float* from, float (&to)[kCount], int at, int count) {
#pragma unroll
  for (int i = 0; i < count; i += 4) {
    const float4 four = *reinterpret_cast<const float4*>(from + i);
    to[at + i] = four.x;
    to[at + i + 1] = four.y;
    to[at + i + 2] = four.z;
    to[at + i + 3] = four.w;
  }
}

/// Adds the products of one staged tap block to this thread's sums.
template <int kOutputs>
__device__ inline void accumulate(const float* window, const float* tap_block,
                                  float (&sum)[kOutputs]) {
  // For output r of this thread and tap c of the tap block the sample is window[first + r - c].
  const int first = static_cast<int>(threadIdx.x) * kOutputs + kTapBlock;
  float x[kOutputs + kTaps];  // x[i] = window[first - c - kTaps + i]
#pragma unroll
  for (int i = 0; i < kOutputs; i += 4) read_aligned(window + padded(first + i), x, i, 4);
#pragma unroll((kOutputs + kTaps) / kTaps)  // then x is back in place: no moves
  for (int c = 0; c < kTapBlock; c += kTaps) {
#pragma unroll
    for (int i = kOutputs - 1; i >= 0; --i) x[i + kTaps] = x[i];
#pragma unroll
    for (int i = 0; i < kTaps; i += 4) {
      read_aligned(window + padded(first - c - kTaps + i), x, i, 4);
    }
    float h[kTaps];
    read_aligned(tap_block + c, h, 0, kTaps);
#pragma unroll
    for (int t = 0; t < kTaps; ++t) {
#pragma unroll
      for (int r = 0; r < kOutputs; ++r) sum[r] = fmaf(h[t], x[kTaps + r - t], sum[r]);
    }
  }
}

template <int kOutputs>
__global__ void __launch_bounds__(kThreads)
    tiled_kernel(const float* __restrict__ source, int source_length,
                 const float* __restrict__ response, int response_length, float* __restrict__ wet,
                 int wet_length) {
  constexpr int kTile = Tiles<kOutputs>::kTile;
  constexpr int kWindow = Tiles<kOutputs>::kWindow;
  constexpr int kPaddedWindow = Tiles<kOutputs>::kPaddedWindow;
  BlockShared shared;
  float* const window = shared.take<float>(kPaddedWindow);
  float* const tap_block = shared.take<float>(kTapBlock);
  const int step = static_cast<int>(gridDim.x) * kTile;
  for (int tile_start = static_cast<int>(blockIdx.x) * kTile; tile_start < wet_length;
       tile_start += step) {
    // Taps outside these meet no sample of the source anywhere in the tile.
    const int first_tap = tile_start < source_length ? 0 : tile_start - source_length + 1;
    const int end_tap = tile_start + kTile < response_length ? tile_start + kTile : response_length;

    float sum[kOutputs] = {};
    for (int tap_block_start = first_tap / kTapBlock * kTapBlock; tap_block_start < end_tap;
         tap_block_start += kTapBlock) {
      __syncthreads();  // nobody reads the tap block before this one any more
      stage_tap_block(response, response_length, tap_block_start, tap_block);
      const int window_start = tile_start - tap_block_start - kTapBlock;
      stage_window<kWindow>(source, source_length, window_start, window);
      __syncthreads();  // the tap block is staged
      accumulate(window, tap_block, sum);
    }

    const int n = tile_start + static_cast<int>(threadIdx.x) * kOutputs;
#pragma unroll
    for (int r = 0; r < kOutputs; ++r) {
      if (n + r < wet_length) wet[n + r] = sum[r];
    }
  }
}

/// How busy the multiprocessors are on average if each does a whole number of equal blocks.
double balance(int blocks, int multiprocessors) {
  return static_cast<double>(blocks) / (ceil_div(blocks, multiprocessors) * multiprocessors);
}

/// body(Tiles) with those that keep a device of so many multiprocessors busier. The bytes are the
/// same.
template <typename Body>
void with_tiles(int source_length, int response_length, int multiprocessors, const Body& body) {
  // Multiply-adds among the instructions of accumulate(), counted for sm_90.
  constexpr double kLong = 0.885, kShort = 0.821;
  const auto busy = [&](int blocks_of_an_ear) {
    return balance(2 * blocks_of_an_ear, multiprocessors);
  };
  if (kShort * busy(Tiles<8>::blocks(source_length, response_length)) >
      kLong * busy(Tiles<16>::blocks(source_length, response_length))) {
    body(Tiles<8>{});
  } else {
    body(Tiles<16>{});
  }
}

void enqueue_tiled(std::span<const float> source, std::span<const float> response,
                   std::span<float> wet, int multiprocessors, const Stream& stream) {
  const auto source_length = static_cast<int>(source.size());
  const auto response_length = static_cast<int>(response.size());
  with_tiles(source_length, response_length, multiprocessors, [&]<int kOutputs>(Tiles<kOutputs>) {
    using T = Tiles<kOutputs>;
    const LaunchShape shape{
        static_cast<unsigned>(T::blocks(source_length, response_length)), kThreads,
        shared_array_bytes<float>(T::kPaddedWindow) + shared_array_bytes<float>(kTapBlock)};
    launch(tiled_kernel<kOutputs>, shape, stream, source.data(), source_length, response.data(),
           response_length, wet.data(), static_cast<int>(wet.size()));
  });
}

Cost tiled_cost(int source_length, int response_length, int multiprocessors) {
  const int wet_length = source_length + response_length - 1;
  Cost cost;
  with_tiles(source_length, response_length, multiprocessors, [&]<int kOutputs>(Tiles<kOutputs>) {
    using T = Tiles<kOutputs>;
    double tap_blocks = 0;
    for (int start = 0; start < wet_length; start += T::kTile) {
      const int first = std::max(0, start - source_length + 1) / kTapBlock;
      const int end = ceil_div(std::min(start + T::kTile, response_length), kTapBlock);
      tap_blocks += end - first;
    }
    cost = {2 * 2 * tap_blocks * kTapBlock * T::kTile,
            2 * 4 * (tap_blocks * (T::kWindow + kTapBlock) + wet_length), 2};
  });
  return cost;
}

class GpuTiled final : public DirectConvolver {
 public:
  GpuTiled(Stereo<std::span<const float>> response, int block_length)
      : DirectConvolver(response, block_length), multiprocessors_(multiprocessors()) {}

  void enqueue(Side side, const Block& block, std::span<float> wet, const Stream& stream) override {
    enqueue_tiled(block.source, response(side), wet, multiprocessors_, stream);
  }

  Cost cost(int source_length, int /*clips*/) const override {
    return tiled_cost(source_length, response_length(), multiprocessors_);
  }

 private:
  int multiprocessors_;
};

}  // namespace

std::unique_ptr<VoiceConvolver> plan_voices_tiled(int response_length, std::int64_t source_length,
                                                  const VoiceMemory& memory) {
  const int multiprocessors = gpuconv::multiprocessors();
  return std::make_unique<DirectVoices>(
      response_length, direct_block_length(source_length), memory,
      [=](std::span<const float> source, std::span<const float> response, std::span<float> wet,
          const Stream& stream) { enqueue_tiled(source, response, wet, multiprocessors, stream); },
      [=](int source, int response) { return tiled_cost(source, response, multiprocessors); });
}

std::unique_ptr<Convolver> plan_gpu_tiled(Stereo<std::span<const float>> response,
                                          std::int64_t source_length) {
  return std::make_unique<GpuTiled>(response, direct_block_length(source_length));
}

}  // namespace gpuconv
