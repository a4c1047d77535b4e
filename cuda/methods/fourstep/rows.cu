#include "cuda/methods/fourstep/rows.hpp"

#include "cuda/methods/convolve_block.cuh"
#include "cuda/methods/shapes.cuh"

namespace gpuconv {
namespace {

/// A block's rows in scratch memory: first load and last store.
template <typename Shape, typename Element>
struct RowPairs {
  Element* scratch;

  __device__ RowPairs unit(int pair) const { return {scratch + pair * Shape::kElements}; }

  __device__ void read(const Butterfly<Shape, 0>& at,
                       typename Butterfly<Shape, 0>::Values& v) const {
    unrolled<Shape::radix(0)>(
        [&](auto t) { read_lanes(scratch + at.element(t) * kRowLanes + at.lane, v, t); });
  }
  __device__ void write(const Butterfly<Shape, 0>& at,
                        const typename Butterfly<Shape, 0>::Values& v) const {
    unrolled<Shape::radix(0)>(
        [&](auto t) { write_lanes(scratch + at.element(t) * kRowLanes + at.lane, v, t); });
  }
};

template <typename Shape>
class Rows final : public RowTransform {
 public:
  Rows(int rows, const Stream& stream)
      : pairs_(rows / kRowLanes), twiddles_(upload_now(Shape::table(false), stream)) {}

  void response(std::span<const float2> scratch, std::span<float2> spectrum,
                const Stream& stream) const override {
    const RowPairs<Shape, const float2> from{scratch.data()};
    launch(spectrum_kernel<Shape, NoTurn, RowPairs<Shape, const float2>>, shape(1), stream, from,
           twiddles_.data(), NoTurn{}, spectrum.data());
  }

  void convolve(const std::span<float2> (&sides)[2], int count,
                const std::span<const float2> (&spectra)[2], const Stream& stream) const override {
    using Pairs = RowPairs<Shape, float2>;
    const Pairs from{sides[0].data()};
    const ConvolveSides<Pairs> to{{{sides[0].data()}, {sides[1].data()}},
                                  {spectra[0].data(), spectra[1].data()}};
    launch(convolve_kernel<Shape, NoTurn, Pairs, Pairs>, shape(count), stream, from, to, pairs_,
           twiddles_.data(), NoTurn{});
  }

 private:
  LaunchShape shape(int segments) const {
    return {static_cast<unsigned>(segments * pairs_), Shape::kThreads,
            shared_array_bytes<float2>(Shape::kElements)};
  }

  int pairs_;  // of rows in a segment
  DeviceBuffer<float2> twiddles_;
};

}  // namespace

std::unique_ptr<RowTransform> make_row_transform(const FourstepShape& shape, const Stream& stream) {
  return RowShapes::pick<std::unique_ptr<RowTransform>>(
      shape.columns, [&]<typename Shape>(std::type_identity<Shape>) {
        return std::make_unique<Rows<Shape>>(shape.rows, stream);
      });
}

}  // namespace gpuconv
