// gpu_fused.cu - method gpu-fused: one launch, one block per segment, for shorter responses
//
//   response  K floats per side     source  N floats     wet  N+K-1 floats per side
//
// Idea     Overlap-save in segments of 2M samples (segments.cuh) that fit into one block's shared
//          memory: transform, product and inverse for both sides without leaving the chip. Only
//          samples, the responses' spectra (cached) and wet signals cross the memory bus.
// Order    every output is one fixed tree of sums: deterministic.
// Cost     per segment three transforms of nominally 5 M log2(M) flops and 6 to 14 per element for
//          turns and products.
// Limits   K <= 16,384. M = 16,384, which serves long sources best from about 6,600 taps on, takes
//          128 KiB of shared memory. A GPU with less cannot take a shorter one instead: bytes
//          depend on the length.
#include <cmath>

#include "cuda/methods/convolve_block.cuh"
#include "cuda/methods/segment_convolver.cuh"
#include "cuda/methods/shapes.cuh"
#include "cuda/runtime/range.hpp"

namespace gpuconv {
namespace {

struct FusedReader {
  SegmentReader source;

  __device__ FusedReader unit(int segment) const { return {source.segment(segment)}; }
  __device__ FusedReader held() const { return {source.held()}; }
  template <typename At>
  __device__ void read(const At& at, typename At::Values& v) const {
    unrolled<At::kRadix>([&](auto t) { source.read<At::kPoints>(at.element(t), v, t); });
  }
};

struct FusedWriter {
  SegmentWriter wet;

  __device__ FusedWriter unit(int segment) const { return {wet.segment(segment)}; }
  template <typename At>
  __device__ void write(const At& at, const typename At::Values& v) const {
    unrolled<At::kRadix>([&](auto t) { wet.write<At::kPoints>(at.element(t), v, t); });
  }
};

/// The launches for one length.
class FusedTransform {
 public:
  virtual ~FusedTransform() = default;
  virtual void responses(const SegmentReader (&taps)[2], const std::span<float2> (&spectra)[2],
                         const Stream& stream) const = 0;
  virtual void convolve(const SegmentReader& source, const SegmentWriter (&wet)[2], int segments,
                        const std::span<const float2> (&spectra)[2],
                        const Stream& stream) const = 0;
};

template <typename Shape>
class Fused final : public FusedTransform {
 public:
  explicit Fused(const Stream& stream) : twiddles_(Shape::table(true), stream) {}

  void responses(const SegmentReader (&taps)[2], const std::span<float2> (&spectra)[2],
                 const Stream& stream) const override {
    const NewResponses<FusedReader> responses{{{taps[0]}, {taps[1]}},
                                              {spectra[0].data(), spectra[1].data()}};
    launch(spectrum_kernel<Shape, Turn<Shape::radix(0)>, FusedReader>, shape(2), stream, responses,
           1, twiddles_.data(), turns_.there);
  }

  void convolve(const SegmentReader& source, const SegmentWriter (&wet)[2], int segments,
                const std::span<const float2> (&spectra)[2], const Stream& stream) const override {
    const ConvolveSides<FusedWriter> to{{{wet[0]}, {wet[1]}},
                                        {spectra[0].data(), spectra[1].data()}};
    launch(convolve_kernel<Shape, Turns<Shape::radix(0)>, FusedReader, FusedWriter>,
           shape(segments), stream, FusedReader{source}, to, 1, twiddles_.data(), turns_);
  }

 private:
  static LaunchShape shape(int segments) {
    return {static_cast<unsigned>(segments), Shape::kThreads,
            shared_array_bytes<float2>(Shape::kElements), true};
  }

  Turns<Shape::radix(0)> turns_ = make_turns<Shape>(1.0 / Shape::kLength);
  UploadedTable<float2> twiddles_;
};

std::unique_ptr<FusedTransform> make_fused_transform(int length, const Stream& stream) {
  return FusedShapes::pick<std::unique_ptr<FusedTransform>>(
      length, [&]<typename Shape>(std::type_identity<Shape>) {
        return std::make_unique<Fused<Shape>>(stream);
      });
}

class GpuFused final : public SegmentConvolver {
 public:
  GpuFused(Stereo<std::span<const float>> response, const SegmentLengths& lengths)
      : SegmentConvolver(static_cast<int>(response.left.size()), lengths),
        transform_(make_fused_transform(fft_points(), stream())) {
    transform(response);
  }

  Cost cost(int source_length, int clips) const override {
    const double M = fft_points();
    const double segments = this->segments(source_length, clips);
    Cost cost;
    cost.operations = segments * fused_operations(M);
    // Samples in, spectra, wet out.
    cost.device_bytes = segments * (8 * M + 2 * 8 * M) + wet_bytes(source_length, clips);
    cost.launches = 1;
    return cost;
  }

  Cost response_cost(int, int) const override {
    const double M = fft_points();
    return {2 * (5 * M * std::log2(M) + 6 * M), 2 * (4.0 * response_length() + 8 * M), 1};
  }

 private:
  void enqueue_spectra(const SegmentReader (&taps)[2], const std::span<float2> (&spectra)[2],
                       const Stream& stream) override {
    transform_->responses(taps, spectra, stream);
  }

  void enqueue_segments(const SegmentReader& source, const SegmentWriter (&wet)[2], int segments,
                        const std::span<const float2> (&spectra)[2],
                        const Stream& stream) override {
    const Range range("one pass");
    transform_->convolve(source, wet, segments, spectra, stream);
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
