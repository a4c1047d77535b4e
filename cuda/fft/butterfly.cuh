// butterfly.cuh - Fourier transforms of a few elements that one thread holds in registers
//
//   forward   V[k] = sum_t v[t] exp(-2 pi i t k / R)      R = 2, 3, 4, 5, 8, 9, 10, 12, 16
//   inverse   the same with +i; no 1/R
//
// Natural order in, natural order out. Composite R is taken apart as R = A B by Cooley and Tukey
// until 2, 3, 4 and 5 are left. All roots of unity are compile-time constants, made in double.
#pragma once

#include <numbers>

#include "cuda/fft/complex.cuh"

namespace gpuconv {

/// An index that is a constant: std::integral_constant cannot be used on the device.
template <int kValue>
struct Index {
  static constexpr int value = kValue;
  __host__ __device__ constexpr operator int() const { return kValue; }
};

/// body(Index<0>), body(Index<1>) ... body(Index<kCount - 1>): a loop whose index is a constant in
/// its body.
template <int kCount, int kFrom = 0, typename Body>
__device__ inline void unrolled(const Body& body) {
  if constexpr (kFrom < kCount) {
    body(Index<kFrom>{});
    unrolled<kCount, kFrom + 1>(body);
  }
}

/// cos(2 pi numerator / denominator) for numerator >= 0. The library's is not a constant
/// expression.
__host__ __device__ constexpr double cosine_of_turn(int numerator, int denominator) {
  // Fold to [0, 1/8] of a turn, where a dozen terms of the series are exact to double.
  int turn = numerator % denominator;
  if (2 * turn > denominator) turn = denominator - turn;
  const bool is_negative = 4 * turn > denominator;
  // From here in halves, since denominators are odd, too.
  const int halves = is_negative ? denominator - 2 * turn : 2 * turn;
  const bool is_sine = 4 * halves > denominator;
  const double angle = std::numbers::pi / denominator *
                       (is_sine ? (denominator - 2 * halves) / 2.0 : static_cast<double>(halves));
  double term = is_sine ? angle : 1.0;
  double sum = term;
  for (int i = is_sine ? 2 : 1; i < 24; i += 2) {
    term *= -angle * angle / (i * (i + 1));
    sum += term;
  }
  return is_negative ? -sum : sum;
}

/// sin(2 pi numerator / denominator) for numerator >= 0
__host__ __device__ constexpr double sine_of_turn(int numerator, int denominator) {
  return cosine_of_turn(4 * numerator + 3 * denominator, 4 * denominator);
}

/// v exp(-+ 2 pi i kNumerator / kDenominator): minus forward, plus inverse.
template <bool is_forward, int kNumerator, int kDenominator>
__device__ inline float2 turned(float2 v) {
  constexpr int kTurn =
      is_forward ? kNumerator % kDenominator
                 : (kDenominator - kNumerator % kDenominator) % kDenominator;  // clockwise
  if constexpr (kTurn == 0) {
    return v;
  } else if constexpr (4 * kTurn == kDenominator) {
    return make_float2(v.y, -v.x);
  } else if constexpr (2 * kTurn == kDenominator) {
    return make_float2(-v.x, -v.y);
  } else if constexpr (4 * kTurn == 3 * kDenominator) {
    return make_float2(-v.y, v.x);
  } else {
    constexpr float kCosine = static_cast<float>(cosine_of_turn(kTurn, kDenominator));
    constexpr float kSine = static_cast<float>(sine_of_turn(kTurn, kDenominator));
    return multiply(v, make_float2(kCosine, -kSine));
  }
}

/// a + factor b
__device__ inline float2 add_scaled(float2 a, float factor, float2 b) {
  return make_float2(fmaf(factor, b.x, a.x), fmaf(factor, b.y, a.y));
}

template <bool is_forward, int kRadix>
__device__ inline void butterfly(float2 (&v)[kRadix]);

/// R = kOuter kInner: transforms of kOuter elements that stand kInner apart, turns, transforms of
/// kInner.
template <bool is_forward, int kOuter, int kInner>
__device__ inline void composite_butterfly(float2 (&v)[kOuter * kInner]) {
  float2 parts[kOuter][kInner];
  unrolled<kInner>([&](auto b) {
    float2 column[kOuter];
    unrolled<kOuter>([&](auto a) { column[a] = v[a * kInner + b]; });
    butterfly<is_forward>(column);
    unrolled<kOuter>([&](auto k) {
      parts[k][b] =
          turned<is_forward, decltype(k)::value* decltype(b)::value, kOuter * kInner>(column[k]);
    });
  });
  unrolled<kOuter>([&](auto k) {
    butterfly<is_forward>(parts[k]);
    unrolled<kInner>([&](auto j) { v[k + kOuter * j] = parts[k][j]; });
  });
}

template <bool is_forward, int kRadix>
__device__ inline void butterfly(float2 (&v)[kRadix]) {
  if constexpr (kRadix == 2) {
    const float2 difference = subtract(v[0], v[1]);
    v[0] = add(v[0], v[1]);
    v[1] = difference;
  } else if constexpr (kRadix == 3) {
    constexpr float kSine = static_cast<float>(sine_of_turn(1, 3));
    const float2 sum = add(v[1], v[2]);
    const float2 across = turned<is_forward, 1, 4>(subtract(v[1], v[2]));
    const float2 centre = add_scaled(v[0], -0.5f, sum);
    v[0] = add(v[0], sum);
    v[1] = add_scaled(centre, kSine, across);
    v[2] = add_scaled(centre, -kSine, across);
  } else if constexpr (kRadix == 4) {
    const float2 even_sum = add(v[0], v[2]);
    const float2 even_difference = subtract(v[0], v[2]);
    const float2 odd_sum = add(v[1], v[3]);
    const float2 odd_difference = turned<is_forward, 1, 4>(subtract(v[1], v[3]));
    v[0] = add(even_sum, odd_sum);
    v[1] = add(even_difference, odd_difference);
    v[2] = subtract(even_sum, odd_sum);
    v[3] = subtract(even_difference, odd_difference);
  } else if constexpr (kRadix == 5) {
    constexpr float kCosine1 = static_cast<float>(cosine_of_turn(1, 5));
    constexpr float kCosine2 = static_cast<float>(cosine_of_turn(2, 5));
    constexpr float kSine1 = static_cast<float>(sine_of_turn(1, 5));
    constexpr float kSine2 = static_cast<float>(sine_of_turn(2, 5));
    const float2 sum1 = add(v[1], v[4]);
    const float2 sum2 = add(v[2], v[3]);
    const float2 across1 = turned<is_forward, 1, 4>(subtract(v[1], v[4]));
    const float2 across2 = turned<is_forward, 1, 4>(subtract(v[2], v[3]));
    const float2 centre1 = add_scaled(add_scaled(v[0], kCosine1, sum1), kCosine2, sum2);
    const float2 centre2 = add_scaled(add_scaled(v[0], kCosine2, sum1), kCosine1, sum2);
    v[0] = add(v[0], add(sum1, sum2));
    v[1] = add_scaled(add_scaled(centre1, kSine1, across1), kSine2, across2);
    v[4] = add_scaled(add_scaled(centre1, -kSine1, across1), -kSine2, across2);
    v[2] = add_scaled(add_scaled(centre2, kSine2, across1), -kSine1, across2);
    v[3] = add_scaled(add_scaled(centre2, -kSine2, across1), kSine1, across2);
  } else if constexpr (kRadix == 8) {
    composite_butterfly<is_forward, 2, 4>(v);
  } else if constexpr (kRadix == 9) {
    composite_butterfly<is_forward, 3, 3>(v);
  } else if constexpr (kRadix == 10) {
    composite_butterfly<is_forward, 2, 5>(v);
  } else if constexpr (kRadix == 12) {
    composite_butterfly<is_forward, 3, 4>(v);
  } else {
    static_assert(kRadix == 16);
    composite_butterfly<is_forward, 4, 4>(v);
  }
}

}  // namespace gpuconv
