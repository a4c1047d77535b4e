#include "cuda/methods/fourstep/rows.hpp"

#include <algorithm>

#include "cuda/methods/convolve_block.cuh"
#include "cuda/methods/shapes.cuh"
#include "cuda/runtime/device.hpp"

namespace gpuconv {
namespace {

/// A block's rows in scratch memory: first load and last store.
template <int kElements>
struct RowPairs {
  static constexpr int kLanes = kRowLanes;
  float2* scratch;

  __device__ RowPairs unit(int pair) const { return {opaque(scratch + pair * kElements)}; }
  __device__ RowPairs held() const { return {opaque(scratch)}; }

  template <typename At>
  __device__ void read(const At& at, typename At::Values& v) const {
    unrolled<At::kRadix>(
        [&](auto t) { read_lanes(scratch + at.element(t) * kRowLanes + at.lane, v, t); });
  }
  template <typename At>
  __device__ void write(const At& at, const typename At::Values& v) const {
    unrolled<At::kRadix>(
        [&](auto t) { write_lanes(scratch + at.element(t) * kRowLanes + at.lane, v, t); });
  }
};

/// The same rows of kTogether segments, side by side in a block: what it loads of spectra and
/// twiddles serves all of them.
template <int kElements, int kTogether>
struct RowGroups {
  static constexpr int kLanes = kRowLanes;
  float2* scratch;
  int first = 0;  ///< element of the block
  int apart = 0;  ///< from one segment to the next, in elements

  __device__ RowGroups unit(const KindOfBlock& block) const {
    return {scratch, (block.group * kTogether * block.kinds + block.kind) * kElements,
            block.kinds * kElements};
  }

  template <typename At>
  __device__ void read(const At& at, typename At::Values& v) const {
    const float2* const from = rows(at);
    unrolled<At::kRadix>([&](auto t) { read_lanes(from + t * At::kStride * kRowLanes, v, t); });
  }
  template <typename At>
  __device__ void write(const At& at, const typename At::Values& v) const {
    float2* const to = rows(at);
    unrolled<At::kRadix>([&](auto t) { write_lanes(to + t * At::kStride * kRowLanes, v, t); });
  }

 private:
  template <typename At>
  __device__ float2* rows(const At& at) const {
    return opaque(scratch + (first + at.lane / kRowLanes * apart + at.first * kRowLanes +
                             at.lane % kRowLanes));
  }
};

template <typename Shape>
class Rows final : public RowTransform {
  /// As many segments as make a block of 256 threads, up to four.
  static constexpr int kTogether = std::clamp(4096 / Shape::kElements, 1, 4);

 public:
  Rows(int rows, const Stream& stream)
      : pairs_(rows / kRowLanes),
        multiprocessors_(multiprocessors()),
        twiddles_(Shape::table(false), stream) {}

  int together() const override { return kTogether; }

  void responses(const std::span<float2> (&spectra)[2], const Stream& stream) const override {
    launch(spectrum_kernel<Shape, false, Pairs>, shape<Shape>(2), stream, new_responses(spectra),
           pairs_, twiddles_.data());
  }

  void spectra(std::span<float2> segments, int count, const Stream& stream) const override {
    // A half for each of the kernel's two sides.
    const int half = ceil_div(count, 2) * pairs_;
    float2* const second = segments.data() + half * Shape::kElements;
    launch(spectrum_kernel<Shape, false, Pairs>, shape<Shape>(count), stream,
           NewResponses<Pairs>{{{segments.data()}, {second}}, {segments.data(), second}}, half,
           twiddles_.data());
  }

  void inverse(const std::span<float2> (&sides)[2], int count,
               const Stream& stream) const override {
    const InverseSides<Pairs> both{{{sides[0].data()}, {sides[1].data()}},
                                   {sides[0].data(), sides[1].data()}};
    launch(inverse_kernel<Shape, NoTurn, Pairs>, shape<Shape>(2 * count), stream, both,
           count * pairs_, twiddles_.data(), NoTurn{});
  }

  void convolve(const std::span<float2> (&sides)[2], int count,
                const std::span<const float2> (&spectra)[2], const Stream& stream) const override {
    const int grouped = this->grouped(count);
    if constexpr (kTogether > 1) {
      if (grouped > 0) {
        launch_convolve<Grouped, RowGroups<Shape::kElements, kTogether>>(
            sides, 0, grouped / kTogether, spectra, stream);
      }
    }
    const int rest = count - grouped;
    if (rest == 0) return;
    // More threads, if each block has a multiprocessor to itself. Segments with longer rows have
    // more blocks than any GPU has multiprocessors.
    if constexpr (Wide::kThreads > Shape::kThreads && Shape::kLength <= 1024) {
      if (rest * pairs_ <= multiprocessors_) {
        return launch_convolve<Wide, Pairs>(sides, grouped, rest, spectra, stream);
      }
    }
    launch_convolve<Shape, Pairs>(sides, grouped, rest, spectra, stream);
  }

  int launches(int count) const override {
    const int grouped = this->grouped(count);
    return (grouped > 0 ? 1 : 0) + (grouped < count ? 1 : 0);
  }

  void convolve_with_responses(const std::span<float2> (&sides)[2],
                               const std::span<float2> (&spectra)[2],
                               const Stream& stream) const override {
    const ConvolveSides<Pairs> to{{{sides[0].data()}, {sides[1].data()}}, {}};
    launch(convolve_with_responses_kernel<Wide, NoTurn, Pairs, Pairs>, shape<Wide>(1), stream,
           Pairs{sides[0].data()}, to, new_responses(spectra), twiddles_.data(), NoTurn{});
  }

 private:
  using Pairs = RowPairs<Shape::kElements>;
  using Wide = typename WideOf<Shape>::Type;
  using Grouped = typename LanesTimes<Shape, kTogether>::Type;

  /// How many of `count` segments are convolved in groups: as many as there are, if they are blocks
  /// enough for all multiprocessors, each of which has room for two.
  int grouped(int count) const {
    const int groups = kTogether > 1 ? count / kTogether : 0;
    return groups * pairs_ >= 2 * multiprocessors_ ? groups * kTogether : 0;
  }

  /// Launches `blocks` times as many blocks as a segment has pairs, from segment `first` on.
  template <typename Sized, typename Rows>
  void launch_convolve(const std::span<float2> (&sides)[2], int first, int blocks,
                       const std::span<const float2> (&spectra)[2], const Stream& stream) const {
    const int from = first * pairs_ * Shape::kElements;
    const ConvolveSides<Rows> to{{{sides[0].data() + from}, {sides[1].data() + from}},
                                 {spectra[0].data(), spectra[1].data()}};
    launch(convolve_kernel<Sized, NoTurn, Rows, Rows>, shape<Sized>(blocks), stream, to.writer[0],
           to, static_cast<unsigned>(pairs_), twiddles_.data(), NoTurn{});
  }

  static NewResponses<Pairs> new_responses(const std::span<float2> (&spectra)[2]) {
    return {{{spectra[0].data()}, {spectra[1].data()}}, {spectra[0].data(), spectra[1].data()}};
  }

  template <typename Sized>
  LaunchShape shape(int segments) const {
    return {static_cast<unsigned>(segments * pairs_), Sized::kThreads,
            shared_array_bytes<float2>(Sized::kElements), true};
  }

  int pairs_;  // of rows in a segment
  int multiprocessors_;
  UploadedTable<float2> twiddles_;
};

}  // namespace

std::unique_ptr<RowTransform> make_row_transform(const FourstepShape& shape, const Stream& stream) {
  return RowShapes::pick<std::unique_ptr<RowTransform>>(
      shape.columns, [&]<typename Shape>(std::type_identity<Shape>) {
        return std::make_unique<Rows<Shape>>(shape.rows, stream);
      });
}

}  // namespace gpuconv
