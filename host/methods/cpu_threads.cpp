// cpu_threads.cpp - compiled once for each kind of processor, chosen when the program runs

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/methods/cpu_threads.cpp"
#include "host/base/vector_targets.hpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h, which includes this file again for each target.
#include "hwy/highway.h"

#ifndef GPUCONV_CPU_THREADS_ONCE
#define GPUCONV_CPU_THREADS_ONCE

namespace gpuconv {

constexpr int kTile = 2048;      // outputs; with their window 20 KiB, in the first-level cache
constexpr int kTapBlock = 1024;  // taps
constexpr int kWindow = kTile + kTapBlock - 1;

}  // namespace gpuconv

#endif  // GPUCONV_CPU_THREADS_ONCE

HWY_BEFORE_NAMESPACE();
namespace gpuconv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// tile[i] += sum_c taps[c] newest[i - c], 0 <= i < kTile, 0 <= c < count. Not a fused
/// multiply-add: processors without one must give the same bytes. Zen 4 multiplies and adds side by
/// side anyway.
void add_tap_block(const float* newest, const float* taps, int count, float* tile) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(d));
  constexpr int kVectors = 8;

  for (int i = 0; i < kTile; i += kVectors * kLanes) {
    V sum[kVectors];
    for (V& s : sum) s = hn::Zero(d);
    for (int c = 0; c < count; ++c) {
      const V tap = hn::Set(d, taps[c]);
      for (int v = 0; v < kVectors; ++v) {
        const V x = hn::LoadU(d, newest + (i + v * kLanes - c));
        sum[v] = hn::Add(sum[v], hn::Mul(tap, x));
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      float* const to = tile + i + v * kLanes;
      hn::StoreU(hn::Add(hn::LoadU(d, to), sum[v]), d, to);
    }
  }
}

}  // namespace
}  // namespace gpuconv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "host/base/parallel.hpp"
#include "host/methods/cpu_lengths.hpp"
#include "host/methods/cpu_threads.hpp"

namespace gpuconv {

HWY_EXPORT(add_tap_block);

namespace {

/// source[first, first + window.size()), with zeros where the source has no samples.
void load_window(std::span<const float> source, std::int64_t first, std::span<float> window) {
  const auto size = static_cast<std::int64_t>(window.size());
  const auto N = static_cast<std::int64_t>(source.size());
  const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, size);
  const std::int64_t end = std::clamp<std::int64_t>(N - first, begin, size);
  std::fill(window.begin(), window.begin() + begin, 0.0F);
  std::copy(source.begin() + (first + begin), source.begin() + (first + end),
            window.begin() + begin);
  std::fill(window.begin() + end, window.end(), 0.0F);
}

}  // namespace

void convolve_threads(std::span<const float> source, std::span<const float> response,
                      std::span<float> wet, int threads) {
  check_lengths(source, response, wet);
  const auto N = static_cast<std::int64_t>(source.size());
  const auto K = static_cast<std::int64_t>(response.size());
  const auto wet_length = static_cast<std::int64_t>(wet.size());

  std::atomic<std::int64_t> next_tile = 0;
  run_workers(threads, [&](int, int) {
    std::vector<float> tile(kTile);
    std::vector<float> window(kWindow);
    for (std::int64_t n = kTile * next_tile++; n < wet_length; n = kTile * next_tile++) {
      std::fill(tile.begin(), tile.end(), 0.0F);
      // Of the taps, those that meet a sample.
      const std::int64_t first = std::max<std::int64_t>(0, n - (N - 1)) / kTapBlock * kTapBlock;
      const std::int64_t last = std::min(K, n + kTile);
      for (std::int64_t k = first; k < last; k += kTapBlock) {
        load_window(source, n - k - (kTapBlock - 1), window);
        HWY_DYNAMIC_DISPATCH(add_tap_block)
        (window.data() + (kTapBlock - 1), response.data() + k,
         static_cast<int>(std::min<std::int64_t>(kTapBlock, K - k)), tile.data());
      }
      std::copy_n(tile.begin(), std::min<std::int64_t>(kTile, wet_length - n), wet.begin() + n);
    }
  });
}

void convolve_threads(std::span<const float> source, std::span<const float> response,
                      std::span<float> wet) {
  convolve_threads(source, response, wet, 0);
}

}  // namespace gpuconv

#endif  // HWY_ONCE
