// gpu_fused.cu - method gpu-fused: one launch, one block per piece, for shorter responses
//
//   response  K floats per side     source  N floats     wet  N+K-1 floats per side
//
// Idea     Overlap-save in pieces of 2M samples (pieces.cuh) that fit into one block's shared
//          memory: transform, product and inverse for both sides without leaving the chip. Only
//          samples, the responses' spectra (cached) and wet signals cross the memory bus.
// Order    every output is one fixed tree of sums: deterministic.
// Cost     per piece three transforms of nominally 5 M log2(M) flops and 6 to 14 per element for
//          turns and products.
// Limits   K <= 16,384. M = 16,384, which serves long sources best from about 6,600 taps on, takes
//          128 KiB of shared memory. A GPU with less cannot take a shorter one instead: bytes
//          depend on the length.
#include <cmath>

#include "cuda/methods/convolve_block.cuh"
#include "cuda/methods/piece_convolver.cuh"
#include "cuda/methods/shapes.cuh"
#include "cuda/runtime/range.hpp"

namespace gpuconv {
namespace {

struct FusedReader {
  PieceReader source;

  __device__ FusedReader unit(int piece) const { return {source.piece(piece)}; }
  template <typename At>
  __device__ void read(const At& at, typename At::Values& v) const {
    unrolled<At::kRadix>([&](auto t) { source.read(at.element(t), v, t); });
  }
};

struct FusedWriter {
  PieceWriter wet;

  __device__ FusedWriter unit(int piece) const { return {wet.piece(piece)}; }
  template <typename At>
  __device__ void write(const At& at, const typename At::Values& v) const {
    unrolled<At::kRadix>([&](auto t) { wet.write(at.element(t), v, t); });
  }
};

/// The launches for one length.
class FusedTransform {
 public:
  virtual ~FusedTransform() = default;
  virtual void response(const PieceReader& taps, std::span<float2> spectrum,
                        const Stream& stream) const = 0;
  virtual void convolve(const PieceReader& source, const PieceWriter (&wet)[2], int pieces,
                        const std::span<const float2> (&spectra)[2],
                        const Stream& stream) const = 0;
};

template <typename Shape>
class Fused final : public FusedTransform {
 public:
  explicit Fused(const Stream& stream) : twiddles_(upload_now(Shape::table(true), stream)) {}

  void response(const PieceReader& taps, std::span<float2> spectrum,
                const Stream& stream) const override {
    launch(spectrum_kernel<Shape, Turning, FusedReader>, shape(1), stream, FusedReader{taps},
           twiddles_.data(), make_turn<Shape>(), spectrum.data());
  }

  void convolve(const PieceReader& source, const PieceWriter (&wet)[2], int pieces,
                const std::span<const float2> (&spectra)[2], const Stream& stream) const override {
    const ConvolveSides<FusedWriter> to{{{wet[0]}, {wet[1]}},
                                        {spectra[0].data(), spectra[1].data()}};
    launch(convolve_kernel<Shape, Turning, FusedReader, FusedWriter>, shape(pieces), stream,
           FusedReader{source}, to, 1, twiddles_.data(), make_turn<Shape>());
  }

 private:
  using Turning = Turn<Shape::radix(0)>;

  static LaunchShape shape(int pieces) {
    return {static_cast<unsigned>(pieces), Shape::kThreads,
            shared_array_bytes<float2>(Shape::kElements)};
  }

  DeviceBuffer<float2> twiddles_;
};

std::unique_ptr<FusedTransform> make_fused_transform(int length, const Stream& stream) {
  return FusedShapes::pick<std::unique_ptr<FusedTransform>>(
      length, [&]<typename Shape>(std::type_identity<Shape>) {
        return std::make_unique<Fused<Shape>>(stream);
      });
}

class GpuFused final : public PieceConvolver {
 public:
  GpuFused(Stereo<std::span<const float>> response, const PieceLengths& lengths)
      : PieceConvolver(static_cast<int>(response.left.size()), lengths),
        transform_(make_fused_transform(length(), stream())) {
    transform(response);
  }

  Cost cost(int source_length, int clips) const override {
    const double M = length();
    const double pieces = this->pieces(source_length, clips);
    Cost cost;
    cost.operations =
        pieces * (3 * (5 * M * std::log2(M) + 6 * M) + 2 * (6 + 2) * M);  // turns, products, scale
    // Samples in, spectra, wet out.
    cost.device_bytes = pieces * (8 * M + 2 * 8 * M) + wet_bytes(source_length, clips);
    cost.launches = 1;
    return cost;
  }

  Cost response_cost() const override {
    const double M = length();
    return {2 * (5 * M * std::log2(M) + 6 * M), 2 * (4.0 * response_length() + 8 * M), 2};
  }

 private:
  void enqueue_spectrum(const PieceReader& taps, std::span<float2> spectrum,
                        const Stream& stream) override {
    transform_->response(taps, spectrum, stream);
  }

  void enqueue_pieces(const PieceReader& source, const PieceWriter (&wet)[2], int pieces,
                      const std::span<const float2> (&spectra)[2], const Stream& stream) override {
    const Range range("one pass");
    transform_->convolve(source, wet, pieces, spectra, stream);
  }

  std::unique_ptr<FusedTransform> transform_;
};

}  // namespace

std::unique_ptr<Convolver> plan_gpu_fused(Stereo<std::span<const float>> response,
                                          std::int64_t source_length) {
  return std::make_unique<GpuFused>(
      response, fused_lengths(source_length, static_cast<int>(response.left.size())));
}

}  // namespace gpuconv
