// cpu_negacyclic.cpp - the transform's passes, compiled once for each kind of processor
//
// The last two levels, blocks of 16, are shorter than a vector: there, one lane is one block.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/methods/cpu_negacyclic.cpp"
#include <algorithm>
#include <cstdint>

#include "host/base/vector_targets.hpp"
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

// ---- columns ----------------------------------------------------------------------------------
//
// Passes over the rows of one group of columns. Where they read and write differs: the first
// forward pass reads a window, the last inverse pass writes one, the others work in scratch memory
// and in rows of a spectrum. Each of these says where the group's part of a row is.

/// Rows with a distance of `stride`, of a spectrum or in scratch memory.
struct Rows {
  Planes planes;
  int stride;

  HWY_INLINE ConstPlanes from(int row) const { return constant(planes + row * stride); }
  HWY_INLINE Planes to(int row) const { return planes + row * stride; }
};

HWY_ALIGN constexpr float kZeros[Passes::kLongestGroup] = {};

/// A window as rows: its first half are real parts, its second half imaginary ones.
class SourceRows {
 public:
  SourceRows(WindowSamples window, const Passes& passes, int first)
      : window_(window),
        half_(passes.half),
        chunk_(passes.chunk()),
        group_(passes.group()),
        first_(first) {
    // At most one row of the group is partly beyond the end.
    for (int n = first; n < 2 * half_; n += chunk_) {
      if (n < window.count && window.count < n + group_) {
        std::fill(std::copy_n(window.at(n), window.count - n, last_), last_ + group_, 0.0F);
      }
    }
  }

  HWY_INLINE ConstPlanes from(int row) const {
    const int n = row * chunk_ + first_;
    return {row_at(n), row_at(n + half_)};
  }

 private:
  HWY_INLINE const float* row_at(int n) const {
    if (n + group_ <= window_.count) return window_.at(n);
    return n < window_.count ? last_ : kZeros;
  }

  const WindowSamples window_;
  const int half_, chunk_, group_, first_;  // first column
  HWY_ALIGN float last_[Passes::kLongestGroup];
};

class WetRows {
 public:
  WetRows(WindowWet wet, int half, int chunk, int first)
      : wet_(wet), half_(half), chunk_(chunk), first_(first) {}

  HWY_INLINE Planes to(int row) const {
    const int n = row * chunk_ + first_;
    return {row_at(n), row_at(n + half_)};
  }

 private:
  HWY_INLINE float* row_at(int n) const {
    return n >= wet_.begin && n < wet_.end ? wet_.to + (n - wet_.begin) : dropped_;
  }

  const WindowWet wet_;
  const int half_, chunk_, first_;
  HWY_ALIGN mutable float dropped_[Passes::kLongestGroup];
};

/// A level or two: blocks of `size` rows become blocks of a radix-th of that.
struct ColumnPass {
  int radix;
  int size;
  const float* roots;  // of its first block
};

struct ColumnPasses {
  ColumnPass passes[16];
  int count = 0;
};

ColumnPasses column_passes(const Passes& passes) {
  ColumnPasses all;
  int size = passes.rows();
  const auto add = [&](int radix, std::size_t offset) {
    all.passes[all.count++] = {radix, size, passes.roots + offset};
    size /= radix;
  };
  for (int pass = 0; pass < passes.radix_3_passes(); ++pass) add(3, passes.radix_3_offset(pass));
  if (passes.has_radix_2()) add(2, passes.radix_2_offset());
  while (size > 1) add(4, passes.radix_4_offset(size * passes.chunk()));
  return all;
}

HWY_INLINE Complex broadcast_root(const float* root) {
  return {hn::Set(D(), root[0]), hn::Set(D(), root[1])};
}

HWY_INLINE Complex load_unaligned(ConstPlanes planes, int n) {
  return {hn::LoadU(D(), planes.re + n), hn::LoadU(D(), planes.im + n)};
}

/// Stores are scaled in the pass that writes wet samples.
template <bool is_scaled>
HWY_INLINE void store_scaled(Complex z, Planes planes, int n, V scale) {
  if constexpr (is_scaled) z = {hn::Mul(z.re, scale), hn::Mul(z.im, scale)};
  store(z, planes, n);
}

template <bool is_forward, int width, bool kScaled = false, class From, class To>
void columns_pass(const From& from, const To& to, int rows, const ColumnPass& pass, float factor) {
  const V scale = hn::Set(D(), factor);
  const float* roots = pass.roots;
  const int legs = pass.size / pass.radix;  // rows from one leg of a butterfly to the next
  for (int block = 0; block < rows; block += pass.size, roots += 2 * (pass.radix - 1)) {
    if (pass.radix == 4) {
      const Roots r = broadcast_roots(roots);
      for (int row = block; row < block + legs; ++row) {
        const ConstPlanes from0 = from.from(row);
        const ConstPlanes from1 = from.from(row + legs);
        const ConstPlanes from2 = from.from(row + 2 * legs);
        const ConstPlanes from3 = from.from(row + 3 * legs);
        const Planes to0 = to.to(row);
        const Planes to1 = to.to(row + legs);
        const Planes to2 = to.to(row + 2 * legs);
        const Planes to3 = to.to(row + 3 * legs);
        for (int c = 0; c < width; c += kLanes) {
          Complex a0 = load_unaligned(from0, c);
          Complex a1 = load_unaligned(from1, c);
          Complex a2 = load_unaligned(from2, c);
          Complex a3 = load_unaligned(from3, c);
          if constexpr (is_forward) {
            forward_radix_4(a0, a1, a2, a3, r);
          } else {
            inverse_radix_4(a0, a1, a2, a3, r);
          }
          store_scaled<kScaled>(a0, to0, c, scale);
          store_scaled<kScaled>(a1, to1, c, scale);
          store_scaled<kScaled>(a2, to2, c, scale);
          store_scaled<kScaled>(a3, to3, c, scale);
        }
      }
    } else if (pass.radix == 3) {
      const Complex r1 = broadcast_root(roots);
      const Complex r2 = broadcast_root(roots + 2);
      for (int row = block; row < block + legs; ++row) {
        const ConstPlanes from0 = from.from(row);
        const ConstPlanes from1 = from.from(row + legs);
        const ConstPlanes from2 = from.from(row + 2 * legs);
        const Planes to0 = to.to(row);
        const Planes to1 = to.to(row + legs);
        const Planes to2 = to.to(row + 2 * legs);
        for (int c = 0; c < width; c += kLanes) {
          Complex a0 = load_unaligned(from0, c);
          Complex a1 = load_unaligned(from1, c);
          Complex a2 = load_unaligned(from2, c);
          if constexpr (is_forward) {
            forward_radix_3(a0, a1, a2, r1, r2);
          } else {
            inverse_radix_3(a0, a1, a2, r1, r2);
          }
          store_scaled<kScaled>(a0, to0, c, scale);
          store_scaled<kScaled>(a1, to1, c, scale);
          store_scaled<kScaled>(a2, to2, c, scale);
        }
      }
    } else {
      const Complex r = broadcast_root(roots);
      for (int row = block; row < block + legs; ++row) {
        const ConstPlanes from0 = from.from(row);
        const ConstPlanes from1 = from.from(row + legs);
        const Planes to0 = to.to(row);
        const Planes to1 = to.to(row + legs);
        for (int c = 0; c < width; c += kLanes) {
          const Complex a0 = load_unaligned(from0, c);
          const Complex a1 = load_unaligned(from1, c);
          if constexpr (is_forward) {
            const Complex turned = a1 * r;
            store_scaled<kScaled>(a0 + turned, to0, c, scale);
            store_scaled<kScaled>(a0 - turned, to1, c, scale);
          } else {
            store_scaled<kScaled>(a0 + a1, to0, c, scale);
            store_scaled<kScaled>((a0 - a1) / r, to1, c, scale);
          }
        }
      }
    }
  }
}

template <int width, bool kScaled, class From, class To>
void copy_columns(const From& from, const To& to, float factor) {
  const V scale = hn::Set(D(), factor);
  const ConstPlanes row = from.from(0);
  const Planes to_row = to.to(0);
  for (int c = 0; c < width; c += kLanes) {
    store_scaled<kScaled>(load_unaligned(row, c), to_row, c, scale);
  }
}

Rows scratch_rows(const Passes& passes, float* scratch) {
  return {{scratch, scratch + passes.rows() * passes.group()}, passes.group()};
}

Rows spectrum_rows(const Passes& passes, float* spectrum, int first) {
  return {Planes{spectrum, spectrum + passes.plane()} + first, passes.row_stride()};
}

template <int width>
void forward_columns_of(const Passes& passes, WindowSamples window, int group, float* scratch,
                        float* spectrum) {
  const int first = group * passes.group();
  const SourceRows from(window, passes, first);
  const Rows between = scratch_rows(passes, scratch);
  const Rows to = spectrum_rows(passes, spectrum, first);
  const ColumnPasses all = column_passes(passes);
  const int rows = passes.rows();
  const int last = all.count - 1;
  if (last < 0) return copy_columns<width, false>(from, to, 1);
  if (last == 0) return columns_pass<true, width>(from, to, rows, all.passes[0], 1);
  columns_pass<true, width>(from, between, rows, all.passes[0], 1);
  for (int i = 1; i < last; ++i)
    columns_pass<true, width>(between, between, rows, all.passes[i], 1);
  columns_pass<true, width>(between, to, rows, all.passes[last], 1);
}

template <int width, class To>
void inverse_columns_of(const Passes& passes, const float* product, int group, float* scratch,
                        const To& to) {
  const int first = group * passes.group();
  const Rows from = spectrum_rows(passes, const_cast<float*>(product), first);
  const Rows between = scratch_rows(passes, scratch);
  const float scale = 1.0F / static_cast<float>(passes.half);
  const ColumnPasses all = column_passes(passes);
  const int rows = passes.rows();
  const int last = all.count - 1;
  if (last < 0) return copy_columns<width, true>(from, to, scale);
  if (last == 0) return columns_pass<false, width, true>(from, to, rows, all.passes[0], scale);
  columns_pass<false, width>(from, between, rows, all.passes[last], 1);
  for (int i = last - 1; i > 0; --i)
    columns_pass<false, width>(between, between, rows, all.passes[i], 1);
  columns_pass<false, width, true>(between, to, rows, all.passes[0], scale);
}

void forward_columns(const Passes& passes, WindowSamples window, int group, float* scratch,
                     float* spectrum) {
  const auto work = passes.group() == 32   ? forward_columns_of<32>
                    : passes.group() == 64 ? forward_columns_of<64>
                                           : forward_columns_of<128>;
  work(passes, window, group, scratch, spectrum);
}

template <class To>
void inverse_columns_to(const Passes& passes, const float* product, int group, float* scratch,
                        const To& to) {
  const auto work = passes.group() == 32   ? inverse_columns_of<32, To>
                    : passes.group() == 64 ? inverse_columns_of<64, To>
                                           : inverse_columns_of<128, To>;
  work(passes, product, group, scratch, to);
}

void inverse_columns(const Passes& passes, const float* product, int group, float* scratch,
                     WindowWet wet) {
  const WetRows to(wet, passes.half, passes.chunk(), group * passes.group());
  inverse_columns_to(passes, product, group, scratch, to);
}

void inverse_columns_in_place(const Passes& passes, float* product, int group, float* scratch) {
  const Rows to = spectrum_rows(passes, product, group * passes.group());
  inverse_columns_to(passes, product, group, scratch, to);
}

// ---- chunks -----------------------------------------------------------------------------------

Planes chunk_of(const Passes& passes, int chunk, float* spectrum) {
  return Planes{spectrum, spectrum + passes.plane()} + chunk * passes.row_stride();
}

void forward_chunk(const Passes& passes, int index, float* spectrum) {
  const Planes planes = chunk_of(passes, index, spectrum);
  const int chunk = passes.chunk();
  const int n = index * chunk;
  for (int size = chunk; size > Passes::kLeaf; size /= 4) {
    const float* const roots = passes.roots + passes.radix_4_offset(size);
    forward_pass(constant(planes), planes, chunk, size, roots + n / size * kPassRoots);
  }
  const float* const roots = passes.roots + passes.leaf_offset();
  forward_leaves(planes, chunk, roots + n / Passes::kLeaf * 2 * Passes::kLeafRoots);
}

void inverse_chunk(const Passes& passes, Planes planes, int n) {
  const int chunk = passes.chunk();
  const float* const roots = passes.roots + passes.leaf_offset();
  inverse_leaves(planes, chunk, roots + n / Passes::kLeaf * 2 * Passes::kLeafRoots);
  for (int size = 4 * Passes::kLeaf; size <= chunk; size *= 4) {
    const float* const pass_roots = passes.roots + passes.radix_4_offset(size);
    inverse_pass(planes, chunk, size, pass_roots + n / size * kPassRoots);
  }
}

HWY_INLINE void multiply_add(Complex& sum, Complex a, Complex b) {
  sum.re = hn::Add(sum.re, hn::Mul(a.re, b.re));
  sum.im = hn::Add(sum.im, hn::Mul(a.re, b.im));
  sum.re = hn::Sub(sum.re, hn::Mul(a.im, b.im));
  sum.im = hn::Add(sum.im, hn::Mul(a.im, b.re));
}

/// How products are added to what `product` holds: not at all, one after the other, or their sum
/// with what is lost.
enum class Adding { none, each, sum };

/// a + b, and to `lost` what rounding takes from that.
HWY_INLINE V sum_of(V a, V b, V& lost) {
  const V sum = hn::Add(a, b);
  const V of_b = hn::Sub(sum, a);
  lost = hn::Add(lost, hn::Add(hn::Sub(a, hn::Sub(sum, of_b)), hn::Sub(b, of_b)));
  return sum;
}

HWY_INLINE void add_sum(Complex products, Planes product, Planes lost, int n) {
  Complex sum = load(constant(product), n);
  Complex away = load(constant(lost), n);
  sum.re = sum_of(sum.re, products.re, away.re);
  sum.im = sum_of(sum.im, products.im, away.im);
  store(sum, product, n);
  store(away, lost, n);
}

/// Products of `length` elements from `first` on, each window loaded once for both sides.
void multiply(std::span<const float* const> windows, Stereo<std::span<const float* const>> response,
              std::size_t plane, int first, int length, Adding adding, Stereo<Planes> product,
              Stereo<Planes> lost) {
  const D d;
  const Complex zero{hn::Zero(d), hn::Zero(d)};
  for (int n = 0; n < length; n += kLanes) {
    Complex left = adding == Adding::each ? load(constant(product.left), n) : zero;
    Complex right = adding == Adding::each ? load(constant(product.right), n) : zero;
    for (std::size_t p = 0; p < windows.size(); ++p) {
      const Complex x = load({windows[p], windows[p] + plane}, first + n);
      multiply_add(left, x, load({response.left[p], response.left[p] + plane}, first + n));
      multiply_add(right, x, load({response.right[p], response.right[p] + plane}, first + n));
    }
    if (adding == Adding::sum) {
      add_sum(left, product.left, lost.left, n);
      add_sum(right, product.right, lost.right, n);
      continue;
    }
    store(left, product.left, n);
    store(right, product.right, n);
  }
}

Stereo<Planes> chunks_of(const Passes& passes, int index, Stereo<float*> product) {
  return {chunk_of(passes, index, product.left), chunk_of(passes, index, product.right)};
}

void multiply_chunk(const Passes& passes, std::span<const float* const> windows,
                    Stereo<std::span<const float* const>> response, int index,
                    Stereo<float*> product, bool adds, Stereo<float*> lost) {
  // What a few windows read stays in the first-level cache. A sum that is put aside between them
  // loses nothing.
  constexpr std::size_t kTogether = NegacyclicTransform::kTogether;
  const bool keeps_lost = lost.left != nullptr;
  if (keeps_lost && !adds) {
    for (const Side side : kSides) {
      const Planes planes = chunk_of(passes, index, lost[side]);
      std::fill_n(planes.re, passes.chunk(), 0.0F);
      std::fill_n(planes.im, passes.chunk(), 0.0F);
    }
  }
  const Stereo<Planes> products = chunks_of(passes, index, product);
  const Stereo<Planes> losses = keeps_lost ? chunks_of(passes, index, lost) : products;
  std::size_t first = 0;
  do {
    const std::size_t count = std::min(kTogether, windows.size() - first);
    const Adding adding = !adds && first == 0 ? Adding::none
                          : keeps_lost        ? Adding::sum
                                              : Adding::each;
    multiply(windows.subspan(first, count),
             {response.left.subspan(first, count), response.right.subspan(first, count)},
             passes.plane(), index * passes.row_stride(), passes.chunk(), adding, products, losses);
    first += count;
  } while (first < windows.size());
}

void inverse_chunk_of_both(const Passes& passes, int index, Stereo<float*> product,
                           Stereo<float*> lost) {
  const Stereo<Planes> planes = chunks_of(passes, index, product);
  for (const Side side : kSides) {
    if (lost.left != nullptr) {
      const Planes away = chunk_of(passes, index, lost[side]);
      for (int n = 0; n < passes.chunk(); n += kLanes) {
        Complex sum = load(constant(planes[side]), n);
        const Complex rest = load(constant(away), n);
        sum.re = hn::Add(sum.re, rest.re);
        sum.im = hn::Add(sum.im, rest.im);
        store(sum, planes[side], n);
      }
    }
    inverse_chunk(passes, planes[side], index * passes.chunk());
  }
}

void filter_chunk(const Passes& passes, std::span<const float* const> windows,
                  Stereo<std::span<const float* const>> response, int index,
                  Stereo<float*> product) {
  multiply_chunk(passes, windows, response, index, product, false, {});
  inverse_chunk_of_both(passes, index, product, {});
}

int lanes() { return kLanes; }
std::int64_t target() { return HWY_TARGET; }

}  // namespace
}  // namespace gpuconv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

// As it is loaded, Highway's library measures the resolution of a timer for benchmarks, a quarter
// of the time that a program takes to start. Nothing here has a use for the timer; the dynamic
// linker takes this function instead of the library's own.
namespace hwy::platform {
[[gnu::visibility("default")]] std::uint64_t TimerResolution();
std::uint64_t TimerResolution() { return 1; }
}  // namespace hwy::platform

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace gpuconv {

HWY_EXPORT(lanes);
HWY_EXPORT(target);
HWY_EXPORT(forward_columns);
HWY_EXPORT(forward_chunk);
HWY_EXPORT(multiply_chunk);
HWY_EXPORT(inverse_chunk_of_both);
HWY_EXPORT(filter_chunk);
HWY_EXPORT(inverse_columns);
HWY_EXPORT(inverse_columns_in_place);

namespace {

/// Roots take longer to make than a transform: all transforms of a length share them, to the end of
/// the process.
const float* shared_roots(int half, int lanes) {
  static std::mutex mutex;
  static std::map<std::pair<int, int>, AlignedFloats> tables;
  const std::lock_guard lock(mutex);
  AlignedFloats& table = tables[{half, lanes}];
  if (table.size() == 0) table = make_roots(half, lanes);
  return std::as_const(table).data();
}

}  // namespace

NegacyclicTransform::NegacyclicTransform(int half) : half_(half) {
  const int power_of_2 = half <= 0 ? 0 : Passes{half, nullptr}.after_radix_3();
  if (power_of_2 < kShortestHalf || !std::has_single_bit(static_cast<unsigned>(power_of_2))) {
    throw std::invalid_argument(
        "a transform's half must be 1, 3 or 9 times a power of two of at least " +
        std::to_string(kShortestHalf) + ", not " + std::to_string(half));
  }
  roots_ = shared_roots(half, HWY_DYNAMIC_DISPATCH(lanes)());
}

std::size_t NegacyclicTransform::spectrum_size() const {
  return 2 * Passes{half_, nullptr}.plane();
}

std::size_t NegacyclicTransform::scratch_size() const {
  return 2 *
         static_cast<std::size_t>(Passes{half_, nullptr}.rows() * Passes{half_, nullptr}.group());
}

int NegacyclicTransform::column_groups() const {
  return Passes{half_, nullptr}.chunk() / Passes{half_, nullptr}.group();
}

int NegacyclicTransform::chunks() const { return Passes{half_, nullptr}.rows(); }

void NegacyclicTransform::forward_columns(WindowSamples window, int group, float* scratch,
                                          float* spectrum) const {
  HWY_DYNAMIC_DISPATCH(forward_columns)
  (Passes{half_, roots_}, window, group, scratch, spectrum);
}

void NegacyclicTransform::forward_chunk(int chunk, float* spectrum) const {
  HWY_DYNAMIC_DISPATCH(forward_chunk)(Passes{half_, roots_}, chunk, spectrum);
}

void NegacyclicTransform::filter_chunk(std::span<const float* const> windows,
                                       Stereo<std::span<const float* const>> response, int chunk,
                                       Stereo<float*> product) const {
  HWY_DYNAMIC_DISPATCH(filter_chunk)
  (Passes{half_, roots_}, windows, response, chunk, product);
}

void NegacyclicTransform::multiply_chunk(std::span<const float* const> windows,
                                         Stereo<std::span<const float* const>> response, int chunk,
                                         Stereo<float*> product, bool adds,
                                         Stereo<float*> lost) const {
  HWY_DYNAMIC_DISPATCH(multiply_chunk)
  (Passes{half_, roots_}, windows, response, chunk, product, adds, lost);
}

void NegacyclicTransform::inverse_chunk(int chunk, Stereo<float*> product,
                                        Stereo<float*> lost) const {
  HWY_DYNAMIC_DISPATCH(inverse_chunk_of_both)(Passes{half_, roots_}, chunk, product, lost);
}

void NegacyclicTransform::inverse_columns(const float* product, int group, float* scratch,
                                          WindowWet wet) const {
  HWY_DYNAMIC_DISPATCH(inverse_columns)
  (Passes{half_, roots_}, product, group, scratch, wet);
}

void NegacyclicTransform::inverse_columns(int group, float* scratch, float* product) const {
  HWY_DYNAMIC_DISPATCH(inverse_columns_in_place)(Passes{half_, roots_}, product, group, scratch);
}

std::span<const float> NegacyclicTransform::samples(const float* product, int begin,
                                                    int end) const {
  const Passes passes{half_, roots_};
  const float* const plane = begin < half_ ? product : product + passes.plane();
  const int n = begin % half_;
  const int column = n % passes.chunk();
  const int count = std::min(end - begin, passes.chunk() - column);
  return {plane + n / passes.chunk() * passes.row_stride() + column,
          static_cast<std::size_t>(count)};
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
