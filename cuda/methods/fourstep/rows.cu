#include "cuda/methods/fourstep/rows.hpp"

#include "cuda/methods/convolve_block.cuh"
#include "cuda/methods/shapes.cuh"
#include "cuda/runtime/device.hpp"

namespace gpuconv {
namespace {

/// A block's rows in scratch memory: first load and last store.
template <int kElements>
struct RowPairs {
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

template <typename Shape>
class Rows final : public RowTransform {
 public:
  Rows(int rows, const Stream& stream)
      : pairs_(rows / kRowLanes),
        multiprocessors_(multiprocessors()),
        twiddles_(Shape::table(false), stream) {}

  void responses(const std::span<float2> (&spectra)[2], const Stream& stream) const override {
    launch(spectrum_kernel<Shape, NoTurn, Pairs>, shape<Shape>(2), stream, new_responses(spectra),
           pairs_, twiddles_.data(), NoTurn{});
  }

  void spectra(std::span<float2> segments, int count, const Stream& stream) const override {
    // A half for each of the kernel's two sides.
    const int half = ceil_div(count, 2) * pairs_;
    float2* const second = segments.data() + half * Shape::kElements;
    launch(spectrum_kernel<Shape, NoTurn, Pairs>, shape<Shape>(count), stream,
           NewResponses<Pairs>{{{segments.data()}, {second}}, {segments.data(), second}}, half,
           twiddles_.data(), NoTurn{});
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
    const ConvolveSides<Pairs> to{{{sides[0].data()}, {sides[1].data()}},
                                  {spectra[0].data(), spectra[1].data()}};
    const auto queue = [&]<typename Sized>(std::type_identity<Sized>) {
      launch(convolve_kernel<Sized, NoTurns, Pairs, Pairs>, shape<Sized>(count), stream,
             Pairs{sides[0].data()}, to, pairs_, twiddles_.data(), NoTurns{});
    };
    // More threads, if each block has a multiprocessor to itself. Segments with longer rows have
    // more blocks than any GPU has multiprocessors.
    if constexpr (Wide::kThreads > Shape::kThreads && Shape::kLength <= 1024) {
      if (count * pairs_ <= multiprocessors_) return queue(std::type_identity<Wide>{});
    }
    queue(std::type_identity<Shape>{});
  }

  void convolve_with_responses(const std::span<float2> (&sides)[2],
                               const std::span<float2> (&spectra)[2],
                               const Stream& stream) const override {
    const ConvolveSides<Pairs> to{{{sides[0].data()}, {sides[1].data()}}, {}};
    launch(convolve_with_responses_kernel<Wide, NoTurns, Pairs, Pairs>, shape<Wide>(1), stream,
           Pairs{sides[0].data()}, to, new_responses(spectra), twiddles_.data(), NoTurns{});
  }

 private:
  using Pairs = RowPairs<Shape::kElements>;
  using Wide = typename WideOf<Shape>::Type;

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
