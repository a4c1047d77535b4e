// cpu_complex-inl.hpp - complex vectors in two planes, and the butterfly of radix 4
//
//   forward, from x^4m - r^4, with t_j = r^j a_j, to four blocks in this order:
//
//     x^m - r      t0 +  t1 + t2 +  t3
//     x^m + r      t0 -  t1 + t2 -  t3
//     x^m - ir     t0 + it1 - t2 - it3
//     x^m + ir     t0 - it1 - t2 + it3
//
//   inverse: the same backwards, 4 times as large
//
// Included once for each kind of processor, by files that foreach_target.h compiles as often.
#if defined(GPUCONV_CPU_COMPLEX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GPUCONV_CPU_COMPLEX_INL
#undef GPUCONV_CPU_COMPLEX_INL
#else
#define GPUCONV_CPU_COMPLEX_INL
#endif

#include "host/methods/cpu_negacyclic_roots.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gpuconv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

struct Complex {
  V re;
  V im;
};

struct Planes {
  float* re;
  float* im;
};

struct ConstPlanes {
  const float* re;
  const float* im;
};

HWY_INLINE Planes operator+(Planes planes, int n) { return {planes.re + n, planes.im + n}; }
HWY_INLINE ConstPlanes operator+(ConstPlanes planes, int n) {
  return {planes.re + n, planes.im + n};
}
HWY_INLINE ConstPlanes constant(Planes planes) { return {planes.re, planes.im}; }

HWY_INLINE Complex load(ConstPlanes planes, int n) {
  return {hn::Load(D(), planes.re + n), hn::Load(D(), planes.im + n)};
}
HWY_INLINE void store(Complex z, Planes planes, int n) {
  hn::Store(z.re, D(), planes.re + n);
  hn::Store(z.im, D(), planes.im + n);
}

HWY_INLINE Complex operator+(Complex a, Complex b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
HWY_INLINE Complex operator-(Complex a, Complex b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
/// a + ib
HWY_INLINE Complex add_turned(Complex a, Complex b) {
  return {hn::Sub(a.re, b.im), hn::Add(a.im, b.re)};
}
/// a - ib
HWY_INLINE Complex subtract_turned(Complex a, Complex b) {
  return {hn::Add(a.re, b.im), hn::Sub(a.im, b.re)};
}
HWY_INLINE Complex operator*(Complex a, Complex r) {
  return {hn::Sub(hn::Mul(a.re, r.re), hn::Mul(a.im, r.im)),
          hn::Add(hn::Mul(a.re, r.im), hn::Mul(a.im, r.re))};
}
/// a / r = a conj(r), since |r| = 1
HWY_INLINE Complex operator/(Complex a, Complex r) {
  return {hn::Add(hn::Mul(a.re, r.re), hn::Mul(a.im, r.im)),
          hn::Sub(hn::Mul(a.im, r.re), hn::Mul(a.re, r.im))};
}

struct Roots {
  Complex r1, r2, r3;
};

/// One block's roots, the same in each lane.
HWY_INLINE Roots broadcast_roots(const float* roots) {
  const D d;
  return {{hn::Set(d, roots[0]), hn::Set(d, roots[1])},
          {hn::Set(d, roots[2]), hn::Set(d, roots[3])},
          {hn::Set(d, roots[4]), hn::Set(d, roots[5])}};
}

// Radix 3, from x^3m - r^3, with w a third of the circle and t_j = r^j a_j:
//
//     x^m - r       t0 +    t1 +    t2
//     x^m - wr      t0 +  w t1 + w^2 t2
//     x^m - w^2 r   t0 + w^2 t1 +  w t2
//
// The inverse is 3 times as large.
constexpr float kHalfRootOf3 = 0.866025403784438647F;

HWY_INLINE Complex scaled(Complex a, float factor) {
  const V v = hn::Set(D(), factor);
  return {hn::Mul(a.re, v), hn::Mul(a.im, v)};
}

HWY_INLINE void forward_radix_3(Complex& a0, Complex& a1, Complex& a2, Complex r1, Complex r2) {
  const Complex t1 = a1 * r1;
  const Complex t2 = a2 * r2;
  const Complex sum = t1 + t2;
  const Complex middle = a0 - scaled(sum, 0.5F);
  const Complex difference = scaled(t1 - t2, kHalfRootOf3);
  a0 = a0 + sum;
  a1 = add_turned(middle, difference);
  a2 = subtract_turned(middle, difference);
}

HWY_INLINE void inverse_radix_3(Complex& a0, Complex& a1, Complex& a2, Complex r1, Complex r2) {
  const Complex sum = a1 + a2;
  const Complex middle = a0 - scaled(sum, 0.5F);
  const Complex difference = scaled(a1 - a2, kHalfRootOf3);
  a0 = a0 + sum;
  a1 = subtract_turned(middle, difference) / r1;
  a2 = add_turned(middle, difference) / r2;
}

/// The roots of kLanes blocks, one in each lane.
HWY_INLINE Roots load_roots(const float* roots) {
  const ConstPlanes planes{roots, roots + kLanes};
  return {load(planes, 0), load(planes, 2 * kLanes), load(planes, 4 * kLanes)};
}

HWY_INLINE void forward_radix_4(Complex& a0, Complex& a1, Complex& a2, Complex& a3,
                                const Roots& roots) {
  const Complex t1 = a1 * roots.r1;
  const Complex t2 = a2 * roots.r2;
  const Complex t3 = a3 * roots.r3;
  const Complex even_sum = a0 + t2;
  const Complex even_difference = a0 - t2;
  const Complex odd_sum = t1 + t3;
  const Complex odd_difference = t1 - t3;
  a0 = even_sum + odd_sum;
  a1 = even_sum - odd_sum;
  a2 = add_turned(even_difference, odd_difference);
  a3 = subtract_turned(even_difference, odd_difference);
}

HWY_INLINE void inverse_radix_4(Complex& a0, Complex& a1, Complex& a2, Complex& a3,
                                const Roots& roots) {
  const Complex even_sum = a0 + a1;
  const Complex odd_sum = a0 - a1;
  const Complex even_difference = a2 + a3;
  const Complex odd_turned = a2 - a3;  // i times the odd difference
  a0 = even_sum + even_difference;
  a2 = (even_sum - even_difference) / roots.r2;
  a1 = subtract_turned(odd_sum, odd_turned) / roots.r1;
  a3 = add_turned(odd_sum, odd_turned) / roots.r3;
}

// A leaf's 16 numbers lie in a row; kLanes leaves make a matrix, which is turned so that a vector
// holds a column. The part that crosses 128 bits is done by the loads and stores, the rest, 4 x 4,
// in registers.

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void transpose_4x4(V&, V&, V&, V&) {}
HWY_INLINE V load_blocks(D d, const float* from) { return hn::Load(d, from); }
HWY_INLINE void store_blocks(V v, D d, float* to) { hn::Store(v, d, to); }
constexpr int kRowStep = 1;
#else
/// In each 128 bits: four rows of four become four columns of four.
HWY_INLINE void transpose_4x4(V& v0, V& v1, V& v2, V& v3) {
  const D d;
  const hn::Repartition<double, D> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  v0 = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
  v1 = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
  v2 = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
  v3 = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
}

/// 128 bits each from `from`, four rows below it, and so on.
template <class Tag>
HWY_INLINE hn::Vec<Tag> load_blocks(Tag d, const float* from) {
  constexpr int kSize = static_cast<int>(hn::MaxLanes(Tag()));
  if constexpr (kSize > 4) {
    const hn::Half<Tag> half;
    return hn::Combine(d, load_blocks(half, from + kSize / 2 * Passes::kLeaf),
                       load_blocks(half, from));
  } else {
    return hn::Load(d, from);
  }
}

template <class Tag>
HWY_INLINE void store_blocks(hn::Vec<Tag> v, Tag d, float* to) {
  constexpr int kSize = static_cast<int>(hn::MaxLanes(Tag()));
  if constexpr (kSize > 4) {
    const hn::Half<Tag> half;
    store_blocks(hn::LowerHalf(half, v), half, to);
    store_blocks(hn::UpperHalf(half, v), half, to + kSize / 2 * Passes::kLeaf);
  } else {
    hn::Store(v, d, to);
  }
}
constexpr int kRowStep = Passes::kLeaf;
#endif

HWY_INLINE void load_columns(const float* rows, V (&v)[Passes::kLeaf]) {
  HWY_UNROLL(4)
  for (int c = 0; c < Passes::kLeaf; c += 4) {
    for (int i = 0; i < 4; ++i) v[c + i] = load_blocks(D(), rows + c + i * kRowStep);
    transpose_4x4(v[c], v[c + 1], v[c + 2], v[c + 3]);
  }
}

HWY_INLINE void store_columns(V (&v)[Passes::kLeaf], float* rows) {
  HWY_UNROLL(4)
  for (int c = 0; c < Passes::kLeaf; c += 4) {
    transpose_4x4(v[c], v[c + 1], v[c + 2], v[c + 3]);
    for (int i = 0; i < 4; ++i) store_blocks(v[c + i], D(), rows + c + i * kRowStep);
  }
}

}  // namespace
}  // namespace gpuconv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GPUCONV_CPU_COMPLEX_INL
