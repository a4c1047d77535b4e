// cpu_negacyclic.cpp - the transform's passes, compiled once for each kind of processor
//
// Order of the work: passes over the whole until a block is kChunk long, then chunk by chunk all
// the rest, in the first-level cache. filter() makes the products of a chunk where it needs them.
// The last two levels, blocks of 16, are shorter than a vector: there, one lane is one block.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/methods/cpu_negacyclic.cpp"
// Scalable vectors have no size that a table could be laid out for; these processors have NEON.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h, which includes this file again for each target.
#include "host/methods/cpu_complex-inl.hpp"
#include "host/methods/cpu_negacyclic.hpp"
#include "host/methods/cpu_negacyclic_roots.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gpuconv::HWY_NAMESPACE {
namespace {

constexpr int kPassRoots = 2 * Passes::kRoots;

/// Blocks of `size` in `from`, to blocks of a quarter in `to`, which may be the same.
void forward_pass(ConstPlanes from, Planes to, int length, int size, const float* roots) {
  const int quarter = size / 4;
  for (int block = 0; block < length; block += size, roots += kPassRoots) {
    const Roots r = broadcast_roots(roots);
    for (int n = block; n < block + quarter; n += kLanes) {
      Complex a0 = load(from, n);
      Complex a1 = load(from, n + quarter);
      Complex a2 = load(from, n + 2 * quarter);
      Complex a3 = load(from, n + 3 * quarter);
      forward_radix_4(a0, a1, a2, a3, r);
      store(a0, to, n);
      store(a1, to, n + quarter);
      store(a2, to, n + 2 * quarter);
      store(a3, to, n + 3 * quarter);
    }
  }
}

void inverse_pass(Planes planes, int length, int size, const float* roots) {
  const int quarter = size / 4;
  const ConstPlanes from = constant(planes);
  for (int block = 0; block < length; block += size, roots += kPassRoots) {
    const Roots r = broadcast_roots(roots);
    for (int n = block; n < block + quarter; n += kLanes) {
      Complex a0 = load(from, n);
      Complex a1 = load(from, n + quarter);
      Complex a2 = load(from, n + 2 * quarter);
      Complex a3 = load(from, n + 3 * quarter);
      inverse_radix_4(a0, a1, a2, a3, r);
      store(a0, planes, n);
      store(a1, planes, n + quarter);
      store(a2, planes, n + 2 * quarter);
      store(a3, planes, n + 3 * quarter);
    }
  }
}

void forward_radix_2_pass(ConstPlanes from, Planes to, int length, const float* root) {
  const int middle = length / 2;
  const Complex r{hn::Set(D(), root[0]), hn::Set(D(), root[1])};
  for (int n = 0; n < middle; n += kLanes) {
    const Complex lower = load(from, n);
    const Complex turned = load(from, n + middle) * r;
    store(lower + turned, to, n);
    store(lower - turned, to, n + middle);
  }
}

/// The last pass of the inverse. Only imaginary parts, the second half of the samples, are wanted:
/// the compiler drops the rest.
void last_radix_4_pass(ConstPlanes from, int length, const float* roots, float* upper) {
  const D d;
  const int quarter = length / 4;
  const Roots r = broadcast_roots(roots);
  const V scale = hn::Set(d, 1.0F / static_cast<float>(length));
  for (int n = 0; n < quarter; n += kLanes) {
    Complex a0 = load(from, n);
    Complex a1 = load(from, n + quarter);
    Complex a2 = load(from, n + 2 * quarter);
    Complex a3 = load(from, n + 3 * quarter);
    inverse_radix_4(a0, a1, a2, a3, r);
    hn::Store(hn::Mul(a0.im, scale), d, upper + n);
    hn::Store(hn::Mul(a1.im, scale), d, upper + n + quarter);
    hn::Store(hn::Mul(a2.im, scale), d, upper + n + 2 * quarter);
    hn::Store(hn::Mul(a3.im, scale), d, upper + n + 3 * quarter);
  }
}

void last_radix_2_pass(ConstPlanes from, int length, const float* root, float* upper) {
  const D d;
  const int middle = length / 2;
  const Complex r{hn::Set(d, root[0]), hn::Set(d, root[1])};
  const V scale = hn::Set(d, 1.0F / static_cast<float>(length));
  for (int n = 0; n < middle; n += kLanes) {
    const Complex a = load(from, n);
    const Complex b = load(from, n + middle);
    hn::Store(hn::Mul((a + b).im, scale), d, upper + n);
    hn::Store(hn::Mul(((a - b) / r).im, scale), d, upper + n + middle);
  }
}

constexpr int kLeafGroup = kLanes * Passes::kLeaf;
constexpr int kLeafGroupRoots = kLanes * 2 * Passes::kLeafRoots;
constexpr int kRootsStep = kLanes * 2 * Passes::kRoots;

void forward_leaves(Planes planes, int length, const float* roots) {
  for (int group = 0; group < length; group += kLeafGroup, roots += kLeafGroupRoots) {
    V re[Passes::kLeaf];
    V im[Passes::kLeaf];
    load_columns(planes.re + group, re);
    load_columns(planes.im + group, im);
    Complex a[Passes::kLeaf];
    HWY_UNROLL(16) for (int i = 0; i < 16; ++i) a[i] = {re[i], im[i]};
    const Roots r = load_roots(roots);
    HWY_UNROLL(4)
    for (int i = 0; i < 4; ++i) forward_radix_4(a[i], a[i + 4], a[i + 8], a[i + 12], r);
    HWY_UNROLL(4)
    for (int i = 0; i < 4; ++i) {
      Complex* const b = a + 4 * i;
      forward_radix_4(b[0], b[1], b[2], b[3], load_roots(roots + (i + 1) * kRootsStep));
      for (int j = 0; j < 4; ++j) store(b[j], planes, group + (4 * i + j) * kLanes);
    }
  }
}

void inverse_leaves(Planes planes, int length, const float* roots) {
  for (int group = 0; group < length; group += kLeafGroup, roots += kLeafGroupRoots) {
    Complex a[Passes::kLeaf];
    HWY_UNROLL(4)
    for (int i = 0; i < 4; ++i) {
      Complex* const b = a + 4 * i;
      for (int j = 0; j < 4; ++j) b[j] = load(constant(planes), group + (4 * i + j) * kLanes);
      inverse_radix_4(b[0], b[1], b[2], b[3], load_roots(roots + (i + 1) * kRootsStep));
    }
    const Roots r = load_roots(roots);
    HWY_UNROLL(4)
    for (int i = 0; i < 4; ++i) inverse_radix_4(a[i], a[i + 4], a[i + 8], a[i + 12], r);
    V re[Passes::kLeaf];
    V im[Passes::kLeaf];
    HWY_UNROLL(16) for (int i = 0; i < 16; ++i) {
      re[i] = a[i].re;
      im[i] = a[i].im;
    }
    store_columns(re, planes.re + group);
    store_columns(im, planes.im + group);
  }
}

void forward(const Passes& passes, const float* lower, const float* upper, float* re, float* im) {
  ConstPlanes from{lower, upper};
  const Planes to{re, im};
  const int half = passes.half;
  const int chunk = passes.chunk();
  if (passes.starts_with_radix_2()) {
    forward_radix_2_pass(from, to, half, passes.roots);
    from = constant(to);
  }
  for (int size = passes.longest_radix_4(); size > chunk; size /= 4) {
    forward_pass(from, to, half, size, passes.roots + passes.radix_4_offset(size));
    from = constant(to);
  }
  for (int n = 0; n < half; n += chunk) {
    ConstPlanes chunk_from = from + n;
    for (int size = chunk; size > Passes::kLeaf; size /= 4) {
      const float* const roots = passes.roots + passes.radix_4_offset(size);
      forward_pass(chunk_from, to + n, chunk, size, roots + n / size * kPassRoots);
      chunk_from = constant(to + n);
    }
    const float* const roots = passes.roots + passes.leaf_offset();
    forward_leaves(to + n, chunk, roots + n / Passes::kLeaf * 2 * Passes::kLeafRoots);
  }
}

HWY_INLINE void inverse_chunk(const Passes& passes, Planes planes, int n, int chunk) {
  const float* const roots = passes.roots + passes.leaf_offset();
  inverse_leaves(planes + n, chunk, roots + n / Passes::kLeaf * 2 * Passes::kLeafRoots);
  for (int size = 4 * Passes::kLeaf; size <= chunk && size < passes.half; size *= 4) {
    const float* const pass_roots = passes.roots + passes.radix_4_offset(size);
    inverse_pass(planes + n, chunk, size, pass_roots + n / size * kPassRoots);
  }
}

HWY_INLINE void inverse_whole(const Passes& passes, Planes planes, float* upper) {
  const int half = passes.half;
  for (int size = 4 * passes.chunk(); size <= passes.longest_radix_4() && size < half; size *= 4) {
    inverse_pass(planes, half, size, passes.roots + passes.radix_4_offset(size));
  }
  if (passes.starts_with_radix_2()) {
    last_radix_2_pass(constant(planes), half, passes.roots, upper);
  } else {
    last_radix_4_pass(constant(planes), half, passes.roots + passes.radix_4_offset(half), upper);
  }
}

HWY_INLINE void multiply_add(Complex& sum, Complex a, Complex b) {
  sum.re = hn::Add(sum.re, hn::Mul(a.re, b.re));
  sum.im = hn::Add(sum.im, hn::Mul(a.re, b.im));
  sum.re = hn::Sub(sum.re, hn::Mul(a.im, b.im));
  sum.im = hn::Add(sum.im, hn::Mul(a.im, b.re));
}

/// Products for the indices [begin, end), each window loaded once for both sides.
void multiply(std::span<const float* const> windows, Stereo<std::span<const float* const>> response,
              std::size_t plane, int begin, int end, Stereo<Planes> product) {
  const D d;
  for (int n = begin; n < end; n += kLanes) {
    Complex left{hn::Zero(d), hn::Zero(d)};
    Complex right = left;
    for (std::size_t p = 0; p < windows.size(); ++p) {
      const Complex x = load({windows[p], windows[p] + plane}, n);
      multiply_add(left, x, load({response.left[p], response.left[p] + plane}, n));
      multiply_add(right, x, load({response.right[p], response.right[p] + plane}, n));
    }
    store(left, product.left, n);
    store(right, product.right, n);
  }
}

void filter(const Passes& passes, std::span<const float* const> windows,
            Stereo<std::span<const float* const>> response, std::size_t plane, float* scratch,
            Stereo<float*> upper) {
  const Stereo<Planes> product{{scratch, scratch + plane},
                               {scratch + 2 * plane, scratch + 3 * plane}};
  const int chunk = passes.chunk();
  for (int n = 0; n < passes.half; n += chunk) {
    multiply(windows, response, plane, n, n + chunk, product);
    for (const Side side : kSides) inverse_chunk(passes, product[side], n, chunk);
  }
  for (const Side side : kSides) inverse_whole(passes, product[side], upper[side]);
}

int lanes() { return kLanes; }
std::int64_t target() { return HWY_TARGET; }

}  // namespace
}  // namespace gpuconv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <stdexcept>
#include <string>

namespace gpuconv {

HWY_EXPORT(lanes);
HWY_EXPORT(target);
HWY_EXPORT(forward);
HWY_EXPORT(filter);

NegacyclicTransform::NegacyclicTransform(int half) : half_(half) {
  if (half < kShortestHalf || !std::has_single_bit(static_cast<unsigned>(half))) {
    throw std::invalid_argument("a transform's half must be a power of two of at least " +
                                std::to_string(kShortestHalf) + ", not " + std::to_string(half));
  }
  roots_ = make_roots(half, HWY_DYNAMIC_DISPATCH(lanes)());
}

void NegacyclicTransform::forward(const float* lower, const float* upper, float* spectrum) const {
  HWY_DYNAMIC_DISPATCH(forward)
  (Passes{half_, roots_.data()}, lower, upper, spectrum, spectrum + plane());
}

void NegacyclicTransform::filter(std::span<const float* const> windows,
                                 Stereo<std::span<const float* const>> response, float* scratch,
                                 Stereo<float*> upper) const {
  HWY_DYNAMIC_DISPATCH(filter)
  (Passes{half_, roots_.data()}, windows, response, plane(), scratch, upper);
}

SimdTargets simd_targets() {
  SimdTargets targets;
  // One bit each; the lower, the better.
  for (std::int64_t bits = HWY_TARGETS; bits != 0; bits &= bits - 1) {
    targets.compiled.emplace_back(hwy::TargetName(bits & -bits));
  }
  targets.chosen = hwy::TargetName(HWY_DYNAMIC_DISPATCH(target)());
  return targets;
}

}  // namespace gpuconv

#endif  // HWY_ONCE
