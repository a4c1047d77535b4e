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
// Limits   K <= 16,384. M = 16,384, which serves long sources best from about 6,300 taps on, takes
//          128 KiB of shared memory. A GPU with less cannot take a shorter one instead: bytes
//          depend on the length.
#include <cmath>

#include "cuda/methods/convolve_block.cuh"
#include "cuda/methods/segment_convolver.cuh"
#include "cuda/methods/shapes.cuh"
#include "cuda/methods/spectral_voices.cuh"
#include "cuda/runtime/range.hpp"

namespace gpuconv {
namespace {

struct FusedReader {
  SegmentReader source;

  __device__ FusedReader unit(int segment) const { return {source.segment(segment)}; }
  __device__ FusedReader held() const { return {source.held()}; }
  template <typename At>
  __device__ void read(const At& at, typename At::Values& v) const {
    source.read<At::kPoints>(at.first, v);
  }
};

/// Reads the segments of items.
struct FusedItems {
  const float* samples;
  const VoiceItem* items;

  __device__ FusedReader unit(int item) const { return {SegmentReader(samples, items[item])}; }
};

struct FusedWriter {
  static constexpr int kLanes = 1;
  SegmentWriter wet;

  __device__ FusedWriter unit(int segment) const { return {wet.segment(segment)}; }
  __device__ FusedWriter held() const { return {wet.held()}; }
  template <typename At>
  __device__ void write(const At& at, const typename At::Values& v) const {
    wet.write<At::kPoints>(at.first, v);
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

  /// The spectra of `count` items, one after the other, and the way back from sums of spectra.
  virtual void items(const float* samples, const VoiceItem* items, int count, float2* spectra,
                     const Stream& stream) const = 0;
  virtual void inverse(const float2* const (&sums)[2], const SegmentWriter (&wet)[2], int segments,
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
    launch(spectrum_kernel<Shape, true, FusedReader>, shape(2), stream, responses, 1,
           twiddles_.data());
  }

  void convolve(const SegmentReader& source, const SegmentWriter (&wet)[2], int segments,
                const std::span<const float2> (&spectra)[2], const Stream& stream) const override {
    const ConvolveSides<FusedWriter> to{{{wet[0]}, {wet[1]}},
                                        {spectra[0].data(), spectra[1].data()}};
    launch(convolve_kernel<Shape, TurnBack<Shape::radix(0)>, FusedReader, FusedWriter>,
           shape(segments), stream, FusedReader{source}, to, 1U, twiddles_.data(), turn_back_);
  }

  void items(const float* samples, const VoiceItem* items, int count, float2* spectra,
             const Stream& stream) const override {
    // A half for each of the kernel's two sides.
    const int half = ceil_div(count, 2);
    const NewResponses<FusedItems> halves{{{samples, items}, {samples, items + half}},
                                          {spectra, spectra + half * Shape::kLength}};
    launch(spectrum_kernel<Shape, true, FusedItems>, shape(count), stream, halves, half,
           twiddles_.data());
  }

  void inverse(const float2* const (&sums)[2], const SegmentWriter (&wet)[2], int segments,
               const Stream& stream) const override {
    const InverseSides<FusedWriter> sides{{{wet[0]}, {wet[1]}}, {sums[0], sums[1]}};
    launch(inverse_kernel<Shape, TurnBack<Shape::radix(0)>, FusedWriter>, shape(2 * segments),
           stream, sides, segments, twiddles_.data(), turn_back_);
  }

 private:
  static LaunchShape shape(int segments) {
    return {static_cast<unsigned>(segments), Shape::kThreads,
            shared_array_bytes<float2>(Shape::kElements), true};
  }

  TurnBack<Shape::radix(0)> turn_back_ = make_turn_back<Shape>(1.0 / Shape::kLength);
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

class FusedVoices final : public SpectralVoices {
 public:
  FusedVoices(int response_length, const SegmentLengths& lengths, const VoiceMemory& memory)
      : SpectralVoices(segment_sizes(response_length, lengths), memory),
        transform_(make_fused_transform(sizes().elements, stream())) {
    note_planned();
  }

 private:
  void enqueue_taps(Stereo<std::span<const float>> taps, const Stereo<std::span<float2>>& spectra,
                    const Stream& stream) override {
    transform_->responses({tap_reader(taps.left), tap_reader(taps.right)},
                          {spectra.left, spectra.right}, stream);
  }

  void enqueue_items(std::span<const VoiceItem> items, const VoiceItem* items_on_device,
                     const float* samples, std::span<float2> spectra,
                     const Stream& stream) override {
    const Range range("transform voices");
    transform_->items(samples, items_on_device, static_cast<int>(items.size()), spectra.data(),
                      stream);
  }

  void enqueue_inverse(const Stereo<std::span<float2>>& sums, int count,
                       const Stereo<std::span<float>>& wet, const Stream& stream) override {
    const Range range("transform back");
    transform_->inverse({sums.left.data(), sums.right.data()},
                        {writer(wet.left), writer(wet.right)}, count, stream);
  }

  Cost transform_cost(int count, bool is_forward) const override {
    const double M = sizes().elements;
    // A spectrum on one side, samples on the other, of which wet_cost() counts those that are new.
    return {count * (5 * M * std::log2(M) + 6 * M), count * (is_forward ? 2 : 1) * 8 * M, 1};
  }

  std::unique_ptr<FusedTransform> transform_;
};

}  // namespace

std::unique_ptr<VoiceConvolver> plan_voices_fused(int response_length, std::int64_t source_length,
                                                  const VoiceMemory& memory) {
  return std::make_unique<FusedVoices>(response_length,
                                       fused_lengths(source_length, response_length), memory);
}

std::unique_ptr<Convolver> plan_gpu_fused(Stereo<std::span<const float>> response,
                                          std::int64_t source_length) {
  return plan_gpu_fused_with(response,
                             fused_lengths(source_length, static_cast<int>(response.left.size())));
}

std::unique_ptr<Convolver> plan_gpu_fused_with(Stereo<std::span<const float>> response,
                                               const SegmentLengths& lengths) {
  return std::make_unique<GpuFused>(response, lengths);
}

}  // namespace gpuconv
