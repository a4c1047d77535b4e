// convolve_block.cuh - forward, product and inverse of both sides by one block, in one launch
//
// The spectrum stays in registers between the last forward and the first inverse stage: it is
// multiplied by the left response, transformed back, multiplied by the right one, transformed back.
//
// A Reader gives reader.unit(i), which reads the elements of block i's first stage; a Writer takes
// those of its last, and says how many lanes a response's spectrum has. Responses are stored as the
// registers hold spectra: coalesced, in no order that means anything elsewhere.
#pragma once

#include "cuda/fft/block_fft.cuh"

namespace gpuconv {

/// Where v[.][t] of a butterfly stands in the spectrum of blocks of one kind. A block of more lanes
/// than kLanes has several transforms of that many: all have the same responses.
template <int kLanes, typename Shape>
__device__ inline int spectrum_place(int kind, const LastButterfly<Shape>& at, int t) {
  using At = LastButterfly<Shape>;
  const int within = kLanes == Shape::kLanes ? at.index * At::kWidth  // the same, in short
                                             : at.first / At::kRadix * kLanes + at.lane % kLanes;
  return (kind * At::kRadix + t) * (At::kPoints / At::kRadix * kLanes) + within;
}

/// Of the two sides: taps, and where their spectra go.
template <typename Reader>
struct NewResponses {
  Reader reader[2];
  float2* spectrum[2];
};

/// Block i of 2 kinds transforms kind i % kinds of side i / kinds. Blocks may write where they
/// read.
template <typename Shape, bool is_turned, typename Reader>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    spectrum_kernel(NewResponses<Reader> responses, int kinds, const float2* twiddles) {
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const bool is_left = static_cast<int>(blockIdx.x) < kinds;
  const int kind = static_cast<int>(blockIdx.x) - (is_left ? 0 : kinds);
  const auto unit =
      (is_left ? responses.reader[0].unit(kind) : responses.reader[1].unit(kind)).held();
  float2* const spectrum = opaque(is_left ? responses.spectrum[0] : responses.spectrum[1]);
  wait_for_previous();
  forward_to_last<Shape, is_turned>(z, twiddles,
                                    [&](const auto& at, auto& v) { unit.read(at, v); });
  for_last_butterflies<Shape>([&](const LastButterfly<Shape>& at, auto) {
    typename LastButterfly<Shape>::Values v;
    forward_last(z, at, v);
    unrolled<LastButterfly<Shape>::kRadix>(
        [&](auto t) { write_lanes(spectrum + spectrum_place<Shape::kLanes>(kind, at, t), v, t); });
  });
}

/// Of the two sides.
template <typename Writer>
struct ConvolveSides {
  Writer writer[2];
  const float2* response[2];
};

/// The spectrum of what `unit` reads, as this thread holds it.
template <typename Shape, bool is_turned, typename Unit>
__device__ inline void forward_to_registers(
    float2* z, const float2* twiddles, const Unit& unit,
    typename LastButterfly<Shape>::Values (&spectrum)[LastButterfly<Shape>::kRepeats]) {
  forward_to_last<Shape, is_turned>(z, twiddles,
                                    [&](const auto& at, auto& v) { unit.read(at, v); });
  for_last_butterflies<Shape>(
      [&](const LastButterfly<Shape>& at, auto repeat) { forward_last(z, at, spectrum[repeat]); });
}

/// A block of convolve_kernel: the group-th of its kind.
struct KindOfBlock {
  int block;
  int kinds;
  int kind;
  int group;
  __device__ operator int() const { return block; }  // what most readers and writers ask for
};

/// Block i multiplies by the responses' spectra of kind i % kinds.
template <typename Shape, typename Turning, typename Reader, typename Writer>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    convolve_kernel(Reader reader, ConvolveSides<Writer> sides, unsigned kinds,
                    const float2* twiddles, Turning turn) {
  using Last = LastButterfly<Shape>;
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const KindOfBlock block{static_cast<int>(blockIdx.x), static_cast<int>(kinds),
                          static_cast<int>(blockIdx.x % kinds),
                          static_cast<int>(blockIdx.x / kinds)};
  const auto from = reader.unit(block);
  wait_for_previous();
  typename Last::Values spectrum[Last::kRepeats];
  forward_to_registers<Shape, kIsTurned<Turning>>(z, twiddles, from, spectrum);
  unrolled<2>([&](auto side) {
    // The left side's first inverse stage writes what this thread alone has just read; the right
    // side's overwrites what others may still read.
    if constexpr (decltype(side)::value == 1) __syncthreads();
    for_last_butterflies<Shape>([&](const Last& at, auto repeat) {
      typename Last::Values v;
      unrolled<Last::kRadix>([&](auto t) {
        typename Last::Values response;
        read_lanes(sides.response[side] + spectrum_place<Writer::kLanes>(block.kind, at, t),
                   response, t);
        unrolled<Last::kWidth>(
            [&](auto w) { v[w][t] = multiply(spectrum[repeat][w][t], response[w][t]); });
      });
      inverse_first(z, at, v);
    });
    const auto to = sides.writer[side].unit(block);
    inverse_from_first<Shape>(z, twiddles, turn,
                              [&](const auto& at, const auto& v) { to.write(at, v); });
  });
}

/// spectrum_kernel and convolve_kernel of one segment in one launch: the responses are transformed
/// between the source and the products. The same bytes.
template <typename Shape, typename Turning, typename Reader, typename Writer>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    convolve_with_responses_kernel(Reader reader, ConvolveSides<Writer> sides,
                                   NewResponses<Reader> responses, const float2* twiddles,
                                   Turning turn) {
  using Last = LastButterfly<Shape>;
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const int block = static_cast<int>(blockIdx.x);
  const auto from = reader.unit(block);
  wait_for_previous();
  typename Last::Values spectrum[Last::kRepeats];
  forward_to_registers<Shape, kIsTurned<Turning>>(z, twiddles, from, spectrum);
  unrolled<2>([&](auto side) {
    __syncthreads();  // what is overwritten has been read
    const auto taps = responses.reader[side].unit(block);
    forward_to_last<Shape, kIsTurned<Turning>>(z, twiddles,
                                               [&](const auto& at, auto& v) { taps.read(at, v); });
    for_last_butterflies<Shape>([&](const Last& at, auto repeat) {
      typename Last::Values v;
      forward_last(z, at, v);
      unrolled<Last::kRadix>([&](auto t) {
        write_lanes(responses.spectrum[side] + spectrum_place<Shape::kLanes>(block, at, t), v, t);
        unrolled<Last::kWidth>(
            [&](auto w) { v[w][t] = multiply(spectrum[repeat][w][t], v[w][t]); });
      });
      inverse_first(z, at, v);
    });
    const auto to = sides.writer[side].unit(block);
    inverse_from_first<Shape>(z, twiddles, turn,
                              [&](const auto& at, const auto& v) { to.write(at, v); });
  });
}

/// Sums of products of the two sides, and where they go.
template <typename Writer>
struct InverseSides {
  Writer writer[2];
  const float2* sum[2];
};

/// Block i of 2 units transforms unit i % units of side i / units back. Blocks may write where they
/// read.
template <typename Shape, typename Turning, typename Writer>
__global__ void __launch_bounds__(Shape::kThreads, Shape::kBlocksPerMultiprocessor)
    inverse_kernel(InverseSides<Writer> sides, int units, const float2* twiddles, Turning turn) {
  BlockShared shared;
  float2* const z = shared.take<float2>(Shape::kElements);
  const bool is_left = static_cast<int>(blockIdx.x) < units;
  const int unit = static_cast<int>(blockIdx.x) - (is_left ? 0 : units);
  const float2* const sum = opaque(is_left ? sides.sum[0] : sides.sum[1]);
  const auto to = (is_left ? sides.writer[0].unit(unit) : sides.writer[1].unit(unit)).held();
  wait_for_previous();
  for_last_butterflies<Shape>([&](const LastButterfly<Shape>& at, auto) {
    typename LastButterfly<Shape>::Values v;
    unrolled<LastButterfly<Shape>::kRadix>(
        [&](auto t) { read_lanes(sum + spectrum_place<Shape::kLanes>(unit, at, t), v, t); });
    inverse_first(z, at, v);
  });
  inverse_from_first<Shape>(z, twiddles, turn,
                            [&](const auto& at, const auto& v) { to.write(at, v); });
}

}  // namespace gpuconv
