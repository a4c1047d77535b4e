// filter.cpp - compiled once for each kind of processor, chosen when the program runs

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/room/filter.cpp"
#include "host/base/vector_targets.hpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h, which includes this file again for each target.
#include <algorithm>

#include "host/room/filter.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gpuconv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void filter(const double* source, std::span<const double> kernel, std::span<float> to) {
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t kLanes = hn::MaxLanes(d);
  constexpr std::size_t kVectors = 4;
  constexpr std::size_t kBlock = kVectors * kLanes;
  static_assert(kBlock <= kFilterPadding);

  for (std::size_t n = 0; n < to.size(); n += kBlock) {
    V sums[kVectors];
    for (V& sum : sums) sum = hn::Zero(d);
    for (std::size_t j = kernel.size(); j-- > 0;) {
      const V tap = hn::Set(d, kernel[j]);
      const double* const from = source + n + (kernel.size() - 1 - j);
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[v] = hn::Add(sums[v], hn::Mul(hn::LoadU(d, from + v * kLanes), tap));
      }
    }
    HWY_ALIGN double block[kBlock];
    for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sums[v], d, block + v * kLanes);
    std::copy_n(block, std::min(kBlock, to.size() - n), to.data() + n);
  }
}

}  // namespace
}  // namespace gpuconv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace gpuconv {

HWY_EXPORT(filter);

void filter(const double* source, std::span<const double> kernel, std::span<float> to) {
  HWY_DYNAMIC_DISPATCH(filter)(source, kernel, to);
}

}  // namespace gpuconv

#endif  // HWY_ONCE
