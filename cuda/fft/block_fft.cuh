// block_fft.cuh - a block's transforms in shared memory: mixed radix, side by side, in place
//
// Idea     A stage of radix R is independent butterflies of R elements, each in the registers of
//          one thread. A stage writes where it read, so one barrier separates two stages, and
//          frequencies come out in digit-reversed order. The inverse goes the stages backwards
//          from that order. A convolution only multiplies in between: no one reverses digits.
// Lanes    kLanes transforms stand side by side, element by element: neighbouring columns of a
//          matrix, or two rows. A thread takes two lanes at once where registers allow: one
//          16-byte access moves both, one twiddle serves both. Where lanes stand side by side, so
//          do two twiddles: one access reads both.
// Pairs    Element t of R that a butterfly leaves counts as t - R from the middle on. So the
//          twiddles of t and R - t are conjugates: one is loaded for both. And none turns by more
//          than half a circle: a quarter is a constant, and rotate() does the rest.
// Swizzle  Elements of one transform that a warp touches at a time fall into different banks in
//          every stage (BlockShape::place). tests/cuda/block_fft_test.cu counts this.
// Turn     The first stage may shift all frequencies by a quarter: Z[k] = sum_n z[n]
//          exp(-2 pi i n (k - 1/4) / L). That is what multiplying by exp(2 pi i n / 4L) beforehand
//          would do, at the price of R - 1 constants per butterfly (see segments.cuh). On the way
//          there their scales go into the butterfly, on the way back they include 1/L.
// Mirror   A turned first stage has no pairs, and the largest table. But a butterfly at offset o of
//          stride S is one at offset o - S < 0, whose twiddles are conjugates of those at S - o:
//          its elements count one further, and the last, element R, is i times element 0. So long
//          transforms have a table for half of the offsets, which fits beside their elements.
#pragma once

#include <algorithm>
#include <bit>
#include <type_traits>
#include <vector>

#include "cuda/fft/butterfly.cuh"
#include "cuda/fft/roots.hpp"
#include "cuda/runtime/launch.cuh"

namespace gpuconv {

/// t or t - radix, whichever is closer to 0.
__host__ __device__ constexpr int centred(int t, int radix) {
  return 2 * t > radix ? t - radix : t;
}

/// Quarters of a circle that a twiddle turns by beside its rotation, which then is at most one.
__host__ __device__ constexpr int quarters(int t, int radix) {
  const int frequency = centred(t, radix);
  return 4 * frequency > radix ? 1 : 4 * frequency <= -radix ? -1 : 0;
}

/// v times the twiddle of element t, forward, or its conjugate.
template <bool is_forward, int t, int kRadix>
__device__ inline float2 twiddled(float2 v, float2 shears) {
  constexpr int kQuarters = quarters(t, kRadix);
  if constexpr (kQuarters != 0) v = quarter_turned<is_forward == (kQuarters > 0)>(v);
  return rotate<is_forward>(v, shears);
}

/// Transforms of length product(kRadices), kLanes side by side. The first radix is that of the
/// largest stride. Of kPerThread elements for each thread bytes do not depend, nor where anything
/// stands.
template <int kLaneCount, int kPerThread, int... kRadices>
struct SizedBlockShape {
  static constexpr int kLanes = kLaneCount;
  static constexpr int kStages = sizeof...(kRadices);
  static constexpr int kLength = (kRadices * ...);
  static constexpr int kElements = kLength * kLanes;
  static_assert(kStages >= 2);

  __host__ __device__ static constexpr int radix(int stage) {
    const int radices[] = {kRadices...};
    return radices[stage];
  }
  /// Of the transforms that `stage` begins: the product of its radix and all later ones.
  __host__ __device__ static constexpr int length(int stage) {
    int product = 1;
    for (int later = stage; later < kStages; ++later) product *= radix(later);
    return product;
  }
  __host__ __device__ static constexpr int stride(int stage) {
    return length(stage) / radix(stage);
  }
  /// Lanes that one thread takes: two while that makes no more than 24 elements, if it has many.
  __host__ __device__ static constexpr int width(int stage) {
    return kPerThread >= 16 && kLanes > 1 && radix(stage) <= 12 ? 2 : 1;
  }
  __host__ __device__ static constexpr int butterflies(int stage) {
    return kElements / radix(stage) / width(stage);
  }
  /// Twiddles that stand side by side, so that one access reads them: two, unless a block's
  /// registers are all taken.
  static constexpr int kTwiddlesTogether = kLanes > 1 ? 2 : 1;
  /// That a butterfly of `stage` loads: one for t and R - t, none for 0; if turned, one for each.
  __host__ __device__ static constexpr int twiddles(int stage, bool is_turned) {
    return is_turned && stage == 0 ? radix(stage) : radix(stage) / 2;
  }
  /// Whether the second half of a stage's offsets mirrors the first.
  __host__ __device__ static constexpr bool is_mirrored(int stage, bool is_turned) {
    return is_turned && stage == 0 && kLanes == 1 && kLength >= 8192;
  }
  /// Offsets that the table of `stage` has twiddles for.
  __host__ __device__ static constexpr int offsets(int stage, bool is_turned) {
    return is_mirrored(stage, is_turned) ? stride(stage) / 2 + 1 : stride(stage);
  }
  /// Where the twiddles of `stage` begin; table() has those of all stages but the last.
  __host__ __device__ static constexpr int twiddles_before(int stage, bool is_turned) {
    int sum = 0;
    for (int earlier = 0; earlier < stage; ++earlier) {
      sum += twiddles(earlier, is_turned) * offsets(earlier, is_turned);
    }
    return sum;
  }

  /// kPerThread elements each, or fewer to fill a warp, or more to have no more than 512 threads:
  /// these have 128 registers each.
  static constexpr int kThreads = std::min(512, (kElements / kPerThread + 31) / 32 * 32);

  /// That keeps 512 threads busy, or a few more: 128 registers for each, or a few less.
  static constexpr int kBlocksPerMultiprocessor = (512 + kThreads / 2) / kThreads;

  /// Elements of one lane that one access of a warp finds in different banks: 128 bytes.
  static constexpr int kBankRows = std::max(2, 16 / kLanes);
  static constexpr int kBankBits = std::countr_zero(unsigned{kBankRows});
  static constexpr int kLengthBits = std::bit_width(unsigned{kLength - 1});

  /// Where element n of a lane stands, in elements of all lanes. n's digits to the base kBankRows,
  /// added without carry, decide the bank: any two strides that are powers of kBankRows, or one,
  /// meet no bank twice.
  __host__ __device__ static constexpr int place(int n) {
    // Digits added in pairs, pairs in fours ...: the lowest becomes the sum of all.
    unsigned digits = static_cast<unsigned>(n);
    for (int shift = kBankBits; shift < kLengthBits; shift *= 2) digits ^= digits >> shift;
    return (n & -kBankRows) | static_cast<int>(digits & (kBankRows - 1u));
  }

  /// Frequency that stands at element n once all stages are done, modulo kLength: its digits, the
  /// other way round.
  static constexpr int frequency(int n) {
    int result = 0;
    int weight = 1;
    for (int stage = 0; stage < kStages; ++stage) {
      result += weight * centred(n / stride(stage) % radix(stage), radix(stage));
      weight *= radix(stage);
    }
    return result;
  }

  /// Stage after stage the rotations by offset t / length of a circle for offsets() and t = 1
  /// ... R / 2; if `is_turned`, in the first stage by offset (t - 1/4) / length for every t.
  /// Without quarters(). Of as many neighbours t as stand together, first all for offset 0, then
  /// all for offset 1 ...
  static std::vector<float2> table(bool is_turned) {
    std::vector<float2> entries;
    for (int stage = 0; stage + 1 < kStages; ++stage) {
      const int quarter = is_turned && stage == 0 ? 1 : 0;
      const int end = 1 - quarter + twiddles(stage, is_turned);
      for (int t = 1 - quarter; t < end; t += kTwiddlesTogether) {
        for (int offset = 0; offset < offsets(stage, is_turned); ++offset) {
          for (int one = t; one < std::min(t + kTwiddlesTogether, end); ++one) {
            entries.push_back(shears_of_turn(
                static_cast<long long>(offset) * (4 * centred(one, radix(stage)) - quarter) -
                    static_cast<long long>(length(stage)) * quarters(one, radix(stage)),
                4LL * length(stage)));
          }
        }
      }
    }
    return entries;
  }
};

template <int kLanes, int... kRadices>
using BlockShape = SizedBlockShape<kLanes, 16, kRadices...>;

/// The same with more threads, or with fewer registers for each, for a launch of few blocks: what
/// one thread does one after the other is then what takes time.
template <typename Shape>
struct WideOf;
template <int kLanes, int... kRadices>
struct WideOf<SizedBlockShape<kLanes, 16, kRadices...>> {
  using Type = SizedBlockShape<kLanes, 8, kRadices...>;
};

/// The same with kTimes as many lanes.
template <typename Shape, int kTimes>
struct LanesTimes;
template <int kLanes, int kPerThread, int... kRadices, int kTimes>
struct LanesTimes<SizedBlockShape<kLanes, kPerThread, kRadices...>, kTimes> {
  using Type = SizedBlockShape<kTimes * kLanes, kPerThread, kRadices...>;
};

/// One butterfly of a stage: which elements it takes.
template <typename Shape, int kStage>
struct Butterfly {
  static constexpr int kRadix = Shape::radix(kStage);
  static constexpr int kWidth = Shape::width(kStage);
  static constexpr int kStride = Shape::stride(kStage);
  static constexpr int kLength = Shape::length(kStage);
  static constexpr int kPoints = Shape::kLength;
  static constexpr int kGroups = Shape::kLanes / kWidth;
  static constexpr int kCount = Shape::butterflies(kStage);
  static constexpr int kRepeats = (kCount + Shape::kThreads - 1) / Shape::kThreads;

  using Values = float2[kWidth][kRadix];

  int index;   ///< among the kCount of the stage
  int lane;    ///< first of kWidth
  int offset;  ///< 0 <= offset < kStride
  int first;   ///< element t is first + t kStride

  static_assert(kStage == 0 || std::has_single_bit(unsigned{kLength}), "see place()");
  static_assert(std::has_single_bit(unsigned{kStride}), "see place()");

  /// Without signs, so that division and remainder by powers of two are one instruction each.
  __host__ __device__ explicit Butterfly(unsigned i)
      : index(static_cast<int>(i)),
        lane(static_cast<int>(i % kGroups * kWidth)),
        offset(static_cast<int>(i / kGroups % kStride)),
        first(static_cast<int>(i / (kGroups * kStride) * kLength) + offset) {}

  __host__ __device__ int element(int t) const { return first + t * kStride; }

  /// Where its first element stands, in the block's array of all lanes.
  __host__ __device__ int first_slot() const { return Shape::place(first) * Shape::kLanes + lane; }

  /// The same of element t. The bits of first and of t kStride do not overlap, and place() works
  /// bit by bit: what depends on t is a constant where t is one. Its high bits are added, so that
  /// they are an offset in the instruction that loads or stores.
  template <int t>
  __host__ __device__ static constexpr int slot(int first_slot) {
    constexpr int kPlace = Shape::place(t * kStride);
    constexpr int kLow = Shape::kLanes > 1 ? kPlace & (Shape::kBankRows - 1) : kPlace;
    return (first_slot ^ kLow * Shape::kLanes) + (kPlace - kLow) * Shape::kLanes;
  }
};

/// Of a Butterfly's Values.
template <typename Values>
inline constexpr int kWidthOf = 0;
template <int kWidth, int kRadix>
inline constexpr int kWidthOf<float2[kWidth][kRadix]> = kWidth;
template <typename Values>
inline constexpr int kRadixOf = 0;
template <int kWidth, int kRadix>
inline constexpr int kRadixOf<float2[kWidth][kRadix]> = kRadix;

template <typename Shape>
using LastButterfly = Butterfly<Shape, Shape::kStages - 1>;

/// body(butterfly, mirrored) for those of a stage that this thread does; `mirrored` is a constant.
/// One after the other: done together, they would need more registers than there are.
template <typename Shape, int kStage, bool is_turned, typename Body>
__device__ inline void for_butterflies(const Body& body) {
  if constexpr (Shape::butterflies(kStage) == Shape::kThreads) {
    static_assert(!Shape::is_mirrored(kStage, is_turned));  // that branch is below
    // Stages share what they know of threadIdx.
    body(Butterfly<Shape, kStage>(threadIdx.x), std::false_type{});
  } else {
#pragma unroll 1
    for (unsigned i = threadIdx.x; i < unsigned{Shape::butterflies(kStage)};
         i += unsigned{Shape::kThreads}) {
      const Butterfly<Shape, kStage> at(i);
      if constexpr (Shape::is_mirrored(kStage, is_turned)) {
        if (2 * at.offset < Butterfly<Shape, kStage>::kStride) {
          body(at, std::false_type{});
        } else {
          body(at, std::true_type{});
        }
      } else {
        body(at, std::false_type{});
      }
    }
  }
}

/// body(butterfly, repeat) for those of the last stage, where `repeat` is an Index: their values
/// can stay in registers.
template <typename Shape, typename Body>
__device__ inline void for_last_butterflies(const Body& body) {
  using Last = LastButterfly<Shape>;
  unrolled<Last::kRepeats>([&](auto repeat) {
    const unsigned i = threadIdx.x + unsigned{decltype(repeat)::value * Shape::kThreads};
    if (Last::kCount % Shape::kThreads == 0 || i < unsigned{Last::kCount}) body(Last(i), repeat);
  });
}

/// v[.][t] from neighbouring elements, in one access.
template <typename Values>
__device__ inline void read_lanes(const float2* from, Values& v, int t) {
  if constexpr (kWidthOf<Values> == 2) {
    const float4 both = *reinterpret_cast<const float4*>(from);
    v[0][t] = make_float2(both.x, both.y);
    v[1][t] = make_float2(both.z, both.w);
  } else {
    v[0][t] = *from;
  }
}

template <typename Values>
__device__ inline void write_lanes(float2* to, const Values& v, int t) {
  if constexpr (kWidthOf<Values> == 2) {
    *reinterpret_cast<float4*>(to) = make_float4(v[0][t].x, v[0][t].y, v[1][t].x, v[1][t].y);
  } else {
    *to = v[0][t];
  }
}

template <typename Shape, int kStage>
__device__ inline void read_shared(const float2* z, const Butterfly<Shape, kStage>& at,
                                   typename Butterfly<Shape, kStage>::Values& v) {
  const int first = at.first_slot();
  unrolled<Shape::radix(kStage)>(
      [&](auto t) { read_lanes(z + at.template slot<decltype(t)::value>(first), v, t); });
}

template <typename Shape, int kStage>
__device__ inline void write_shared(float2* z, const Butterfly<Shape, kStage>& at,
                                    const typename Butterfly<Shape, kStage>::Values& v) {
  const int first = at.first_slot();
  unrolled<Shape::radix(kStage)>(
      [&](auto t) { write_lanes(z + at.template slot<decltype(t)::value>(first), v, t); });
}

/// What the butterflies of the first stage multiply their elements by on the way back:
/// exp(-2 pi i t / 4R), with the transform's scale. On the way there they turn the other way.
template <int kRadix>
struct TurnBack {
  float2 by[kRadix];
};

template <typename Shape>
TurnBack<Shape::radix(0)> make_turn_back(double scale) {
  constexpr int kRadix = Shape::radix(0);
  TurnBack<kRadix> turn;
  for (int t = 0; t < kRadix; ++t) turn.by[t] = unit_root(-t, 4LL * kRadix, scale);
  return turn;
}

/// No turn, there and back: plain transforms, not scaled.
struct NoTurn {};

template <typename Turning>
inline constexpr bool kIsTurned = !std::is_same_v<Turning, NoTurn>;

template <typename Values>
__device__ inline void turn_back(const NoTurn&, Values&) {}

template <typename Values, int kRadix>
__device__ inline void turn_back(const TurnBack<kRadix>& turn, Values& v) {
  unrolled<kWidthOf<Values>>([&](auto w) {
    v[w][0] = make_float2(v[w][0].x * turn.by[0].x, v[w][0].y * turn.by[0].x);
    unrolled<kRadix - 1>([&](auto i) {
      constexpr int t = decltype(i)::value + 1;
      v[w][t] = multiply(v[w][t], turn.by[t]);
    });
  });
}

/// v[.][t] times twiddle t of the stage, or its conjugate. Twiddle 0 is one unless turned.
template <bool is_forward, bool is_turned, bool is_mirrored, typename Shape, int kStage>
__device__ inline void twiddle(const float2* twiddles, const Butterfly<Shape, kStage>& at,
                               typename Butterfly<Shape, kStage>::Values& v) {
  using At = Butterfly<Shape, kStage>;
  constexpr bool kHasTurn = is_turned && kStage == 0;
  constexpr int kFrom = kHasTurn ? 0 : 1;
  constexpr int kEnd = kFrom + Shape::twiddles(kStage, is_turned);
  constexpr int kMost = Shape::kTwiddlesTogether;
  const int offset = is_mirrored ? At::kStride - at.offset : at.offset;
  const float2* const table = twiddles + Shape::twiddles_before(kStage, is_turned);
  // Opaque: of too many loads by one pointer the compiler tears some apart. But a pointer takes two
  // registers, which a mirrored transform on sm_100 needs in its shortest stage.
  constexpr bool kIsHeld = !Shape::is_mirrored(0, is_turned) || kStage + 2 < Shape::kStages;
  const float2* const together = kIsHeld ? opaque(table + kMost * offset) : table + kMost * offset;
  unrolled<(kEnd - kFrom + kMost - 1) / kMost>([&](auto i) {
    constexpr int t = kFrom + kMost * decltype(i)::value;
    constexpr int kTogether = t + kMost <= kEnd ? kMost : 1;
    constexpr int kBefore = (t - kFrom) * Shape::offsets(kStage, is_turned);
    float2 w[kTogether][1];
    read_lanes(kTogether == kMost ? together + kBefore : table + kBefore + offset, w, 0);
    unrolled<kTogether>([&](auto j) {
      constexpr int kOne = t + decltype(j)::value;
      constexpr int kOther = At::kRadix - kOne;
      unrolled<At::kWidth>([&](auto lane) {
        v[lane][kOne] =
            twiddled<is_forward != is_mirrored, kOne, At::kRadix>(v[lane][kOne], w[j][0]);
        if constexpr (!kHasTurn && kOther != kOne) {
          v[lane][kOther] = twiddled<!is_forward, kOne, At::kRadix>(v[lane][kOther], w[j][0]);
        }
      });
    });
  });
}

template <bool is_forward, typename Values>
__device__ inline void butterflies(Values& v) {
  unrolled<kWidthOf<Values>>([&](auto w) { butterfly<is_forward>(v[w]); });
}

/// The first stage's, forward, of elements t that are turned by t / 4R of a circle.
template <typename Values>
__device__ inline void turned_butterflies(Values& v) {
  constexpr int kRadix = kRadixOf<Values>;
  unrolled<kWidthOf<Values>>([&](auto w) {
    unrolled<kRadix>(
        [&](auto t) { v[w][t] = turned<false, decltype(t)::value, 4 * kRadix>(v[w][t]); });
    butterfly<true, ScalesOfTurns<false, 4 * kRadix>>(v[w]);
  });
}

/// Elements at an offset as those at the offset less the stride.
template <typename Values>
__device__ inline void mirror(Values& v) {
  constexpr int kRadix = kRadixOf<Values>;
  unrolled<kWidthOf<Values>>([&](auto w) {
    const float2 last = v[w][kRadix - 1];
    unrolled<kRadix - 1>([&](auto i) { v[w][kRadix - 1 - i] = v[w][kRadix - 2 - i]; });
    v[w][0] = quarter_turned<false>(last);
  });
}

/// The same on the way back.
template <typename Values>
__device__ inline void mirror_back(Values& v) {
  constexpr int kRadix = kRadixOf<Values>;
  unrolled<kWidthOf<Values>>([&](auto w) {
    const float2 first = v[w][0];
    unrolled<kRadix - 1>([&](auto i) { v[w][i] = v[w][i + 1]; });
    v[w][kRadix - 1] = quarter_turned<true>(first);
  });
}

/// All stages but the last. load(butterfly, v) fills the first stage's elements.
template <typename Shape, bool is_turned, int kStage = 0, typename Load>
__device__ inline void forward_to_last(float2* z, const float2* twiddles, const Load& load) {
  if constexpr (kStage + 1 < Shape::kStages) {
    for_butterflies<Shape, kStage, is_turned>([&](const auto& at, auto mirrored) {
      typename Butterfly<Shape, kStage>::Values v;
      if constexpr (kStage == 0) {
        load(at, v);
        if constexpr (mirrored.value) mirror(v);
      } else {
        read_shared(z, at, v);
      }
      if constexpr (kStage == 0 && is_turned) {
        turned_butterflies(v);
      } else {
        butterflies<true>(v);
      }
      twiddle<true, is_turned, mirrored.value>(twiddles, at, v);
      write_shared(z, at, v);
    });
    __syncthreads();  // the next stage reads what other threads wrote
    forward_to_last<Shape, is_turned, kStage + 1>(z, twiddles, load);
  }
}

/// The last stage of the forward transform, from shared memory: v holds frequencies at(t).
template <typename Shape>
__device__ inline void forward_last(const float2* z, const LastButterfly<Shape>& at,
                                    typename LastButterfly<Shape>::Values& v) {
  read_shared(z, at, v);
  butterflies<true>(v);
}

/// The first stage of the inverse transform, into shared memory.
template <typename Shape>
__device__ inline void inverse_first(float2* z, const LastButterfly<Shape>& at,
                                     typename LastButterfly<Shape>::Values& v) {
  butterflies<false>(v);
  write_shared(z, at, v);
}

/// All other stages of the inverse. store(butterfly, v) takes the elements of the very last.
template <typename Shape, typename Turning, int kStage = Shape::kStages - 2, typename Store>
__device__ inline void inverse_from_first(float2* z, const float2* twiddles, const Turning& turn,
                                          const Store& store) {
  __syncthreads();  // the stage before is complete
  for_butterflies<Shape, kStage, kIsTurned<Turning>>([&](const auto& at, auto mirrored) {
    typename Butterfly<Shape, kStage>::Values v;
    read_shared(z, at, v);
    twiddle<false, kIsTurned<Turning>, mirrored.value>(twiddles, at, v);
    butterflies<false>(v);
    if constexpr (kStage == 0) {
      turn_back(turn, v);
      if constexpr (mirrored.value) mirror_back(v);
      store(at, v);
    } else {
      write_shared(z, at, v);
    }
  });
  if constexpr (kStage > 0) {
    inverse_from_first<Shape, Turning, kStage - 1>(z, twiddles, turn, store);
  }
}

}  // namespace gpuconv
