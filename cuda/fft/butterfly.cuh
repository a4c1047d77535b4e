// butterfly.cuh - Fourier transforms of a few elements that one thread holds in registers
//
//   forward   V[k] = sum_t v[t] exp(-2 pi i t k / R)      R = 2, 3, 4, 5, 8, 9, 10, 12, 16
//   inverse   the same with +i; no 1/R
//
// Natural order in, natural order out. Composite R is taken apart as R = A B until 2, 3, 4 and 5
// are left. All roots of unity are compile-time constants, made in double.
//
// Parts    A and B without a common divisor need no turns between the two levels, only another
//          order of the elements, which costs nothing in registers (Good 1958, Thomas 1963). The
//          others are turned (Cooley and Tukey 1965).
// Scales   A turn by an angle is cos (1 -+ i tan). The bracket takes two instructions, a complex
//          product four. The factor waits for the next butterfly: it adds the element to others
//          anyway, and its additions become multiply-adds by constants (Linzer and Feig,
//          "Implementation of Efficient FFT Algorithms on Fused Multiply-Add Architectures", 1993).
//          Where the sine is larger, it is the factor: without it no element has more than sqrt(2)
//          of its size.
// Cost     4, 12, 16, 32, 52, 80, 84, 96, 144 instructions for the R above
#pragma once

#include <numbers>
#include <numeric>

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

/// v exp(-+ pi i / 2): minus forward, plus inverse.
template <bool is_forward>
__device__ inline float2 quarter_turned(float2 v) {
  return is_forward ? make_float2(v.y, -v.x) : make_float2(-v.y, v.x);
}

/// Numerator of the same turn clockwise: forward ones are.
__host__ __device__ constexpr int clockwise(bool is_forward, int numerator, int denominator) {
  return is_forward ? numerator % denominator
                    : (denominator - numerator % denominator) % denominator;
}

/// What turned() leaves out: the cosine or the sine, whichever is larger.
__host__ __device__ constexpr double scale_of_turn(bool is_forward, int numerator,
                                                   int denominator) {
  const int turn = clockwise(is_forward, numerator, denominator);
  const double cosine = cosine_of_turn(turn, denominator);
  const double sine = sine_of_turn(turn, denominator);
  return cosine * cosine >= sine * sine ? cosine : sine;
}

/// v exp(-+ 2 pi i kNumerator / kDenominator) / scale_of_turn(): minus forward, plus inverse.
template <bool is_forward, int kNumerator, int kDenominator>
__device__ inline float2 turned(float2 v) {
  constexpr int kTurn = clockwise(is_forward, kNumerator, kDenominator);
  constexpr double kCosine = cosine_of_turn(kTurn, kDenominator);
  constexpr double kSine = sine_of_turn(kTurn, kDenominator);
  constexpr double kScale = scale_of_turn(is_forward, kNumerator, kDenominator);
  if constexpr (kScale == kCosine) {
    constexpr float kTangent = static_cast<float>(kSine / kCosine);
    if constexpr (kTangent == 0) {
      return v;
    } else {
      return make_float2(fmaf(kTangent, v.y, v.x), fmaf(-kTangent, v.x, v.y));
    }
  } else {
    constexpr float kCotangent = static_cast<float>(kCosine / kSine);
    if constexpr (kCotangent == 0) {
      return make_float2(v.y, -v.x);
    } else {
      return make_float2(fmaf(kCotangent, v.x, v.y), fmaf(kCotangent, v.y, -v.x));
    }
  }
}

/// a + factor b. All factors are constants.
__device__ inline float2 add_scaled(float2 a, float factor, float2 b) {
  if (factor == 1) return add(a, b);
  if (factor == -1) return subtract(a, b);
  return make_float2(fmaf(factor, b.x, a.x), fmaf(factor, b.y, a.y));
}

/// Scales of a butterfly's elements: element t stands for of(t) v[t]. All that it makes lacks the
/// factor of(0).
struct Unscaled {
  __host__ __device__ static constexpr double of(int) { return 1; }
};

/// Of elements that turned() has turned by t / kDenominator.
template <bool is_forward, int kDenominator>
struct ScalesOfTurns {
  __host__ __device__ static constexpr double of(int t) {
    return scale_of_turn(is_forward, t, kDenominator);
  }
};

/// Element t relative to another.
template <typename Scales, int t, int kOther = 0>
inline constexpr double kRatio = Scales::of(t) / Scales::of(kOther);

template <bool is_forward, typename Scales = Unscaled, int kRadix>
__device__ inline void butterfly(float2 (&v)[kRadix]);

/// How R = kOuter kInner is taken apart: kInner columns of kOuter elements, which become kOuter
/// rows of kInner elements.
template <bool is_forward, typename Scales, int kOuter, int kInner>
struct Parts {
  static constexpr int kRadix = kOuter * kInner;
  static constexpr bool kAreCoprime = std::gcd(kOuter, kInner) == 1;

  /// The element that column b begins with; those after it stand kInner apart, in a circle.
  __host__ __device__ static constexpr int first(int b) { return kAreCoprime ? kOuter * b : b; }
  /// What turns element b of row k, in R-ths of a circle.
  __host__ __device__ static constexpr int turn(int k, int b) { return kAreCoprime ? 0 : k * b; }
  /// The frequency that row k leaves at j.
  __host__ __device__ static constexpr int frequency(int k, int j) {
    if (!kAreCoprime) return k + kOuter * j;
    int n = k;  // is k modulo kOuter and j modulo kInner
    while (n % kInner != j) n += kOuter;
    return n;
  }

  template <int b>
  struct Column {
    __host__ __device__ static constexpr double of(int a) {
      return Scales::of((first(b) + kInner * a) % kRadix);
    }
  };
  template <int k>
  struct Row {
    __host__ __device__ static constexpr double of(int b) {
      return Scales::of(first(b)) * scale_of_turn(is_forward, turn(k, b), kRadix);
    }
  };
};

/// Transforms of the columns, turns, transforms of the rows.
template <bool is_forward, typename Scales, int kOuter, int kInner>
__device__ inline void composite_butterfly(float2 (&v)[kOuter * kInner]) {
  using Parts = Parts<is_forward, Scales, kOuter, kInner>;
  float2 rows[kOuter][kInner];
  unrolled<kInner>([&](auto b) {
    float2 column[kOuter];
    unrolled<kOuter>(
        [&](auto a) { column[a] = v[(Parts::first(b) + kInner * a) % Parts::kRadix]; });
    butterfly<is_forward, typename Parts::template Column<decltype(b)::value>>(column);
    unrolled<kOuter>([&](auto k) {
      constexpr int kTurn = Parts::turn(decltype(k)::value, decltype(b)::value);
      rows[k][b] = turned<is_forward, kTurn, Parts::kRadix>(column[k]);
    });
  });
  unrolled<kOuter>([&](auto k) {
    butterfly<is_forward, typename Parts::template Row<decltype(k)::value>>(rows[k]);
    unrolled<kInner>([&](auto j) { v[Parts::frequency(k, j)] = rows[k][j]; });
  });
}

template <bool is_forward, typename Scales, int kRadix>
__device__ inline void butterfly(float2 (&v)[kRadix]) {
  constexpr float kScale = static_cast<float>(kRatio<Scales, 1>);
  // Of the last element that is added to element 1.
  constexpr float kLast = static_cast<float>(kRatio<Scales, kRadix - 1, 1>);
  if constexpr (kRadix == 2) {
    const float2 difference = add_scaled(v[0], -kScale, v[1]);
    v[0] = add_scaled(v[0], kScale, v[1]);
    v[1] = difference;
  } else if constexpr (kRadix == 3) {
    constexpr float kSine = static_cast<float>(kRatio<Scales, 1> * sine_of_turn(1, 3));
    const float2 sum = add_scaled(v[1], kLast, v[2]);
    const float2 across = quarter_turned<is_forward>(add_scaled(v[1], -kLast, v[2]));
    const float2 centre = add_scaled(v[0], -0.5f * kScale, sum);
    v[0] = add_scaled(v[0], kScale, sum);
    v[1] = add_scaled(centre, kSine, across);
    v[2] = add_scaled(centre, -kSine, across);
  } else if constexpr (kRadix == 4) {
    constexpr float kEven = static_cast<float>(kRatio<Scales, 2>);
    const float2 even_sum = add_scaled(v[0], kEven, v[2]);
    const float2 even_difference = add_scaled(v[0], -kEven, v[2]);
    const float2 odd_sum = add_scaled(v[1], kLast, v[3]);
    const float2 odd_difference = quarter_turned<is_forward>(add_scaled(v[1], -kLast, v[3]));
    v[0] = add_scaled(even_sum, kScale, odd_sum);
    v[1] = add_scaled(even_difference, kScale, odd_difference);
    v[2] = add_scaled(even_sum, -kScale, odd_sum);
    v[3] = add_scaled(even_difference, -kScale, odd_difference);
  } else if constexpr (kRadix == 5) {
    constexpr double kRatio1 = kRatio<Scales, 1>;
    constexpr double kRatio2 = kRatio<Scales, 2>;
    constexpr float kInner = static_cast<float>(kRatio<Scales, 3, 2>);
    constexpr double kCosines[] = {cosine_of_turn(1, 5), cosine_of_turn(2, 5)};
    constexpr double kSines[] = {sine_of_turn(1, 5), sine_of_turn(2, 5)};
    constexpr float kCosine11 = static_cast<float>(kRatio1 * kCosines[0]);
    constexpr float kCosine12 = static_cast<float>(kRatio2 * kCosines[1]);
    constexpr float kCosine21 = static_cast<float>(kRatio1 * kCosines[1]);
    constexpr float kCosine22 = static_cast<float>(kRatio2 * kCosines[0]);
    // Of a sum of two sines, the first is taken out.
    constexpr float kSine1 = static_cast<float>(kRatio1 * kSines[0]);
    constexpr float kSine2 = static_cast<float>(kRatio1 * kSines[1]);
    constexpr float kMore1 = static_cast<float>(kRatio2 * kSines[1] / (kRatio1 * kSines[0]));
    constexpr float kLess2 = static_cast<float>(kRatio2 * kSines[0] / (kRatio1 * kSines[1]));
    const float2 sum1 = add_scaled(v[1], kLast, v[4]);
    const float2 sum2 = add_scaled(v[2], kInner, v[3]);
    const float2 across1 = quarter_turned<is_forward>(add_scaled(v[1], -kLast, v[4]));
    const float2 across2 = quarter_turned<is_forward>(add_scaled(v[2], -kInner, v[3]));
    const float2 centre1 = add_scaled(add_scaled(v[0], kCosine11, sum1), kCosine12, sum2);
    const float2 centre2 = add_scaled(add_scaled(v[0], kCosine21, sum1), kCosine22, sum2);
    const float2 side1 = add_scaled(across1, kMore1, across2);
    const float2 side2 = add_scaled(across1, -kLess2, across2);
    v[0] = add_scaled(add_scaled(v[0], kScale, sum1), static_cast<float>(kRatio2), sum2);
    v[1] = add_scaled(centre1, kSine1, side1);
    v[4] = add_scaled(centre1, -kSine1, side1);
    v[2] = add_scaled(centre2, kSine2, side2);
    v[3] = add_scaled(centre2, -kSine2, side2);
  } else if constexpr (kRadix == 8) {
    composite_butterfly<is_forward, Scales, 2, 4>(v);
  } else if constexpr (kRadix == 9) {
    composite_butterfly<is_forward, Scales, 3, 3>(v);
  } else if constexpr (kRadix == 10) {
    composite_butterfly<is_forward, Scales, 2, 5>(v);
  } else if constexpr (kRadix == 12) {
    composite_butterfly<is_forward, Scales, 3, 4>(v);
  } else {
    static_assert(kRadix == 16);
    composite_butterfly<is_forward, Scales, 4, 4>(v);
  }
}

}  // namespace gpuconv
