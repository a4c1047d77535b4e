// gpu_radix2.cu - method "gpu-radix2"
//
//   y[n] = sum_{k=0}^{K-1} h[k] x[n-k],   0 <= n < N+K-1,   x = 0 outside [0, N)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats
//
// Idea     Overlap-save: segments of 2M samples, each 2M-K+1 further on; the first K-1 results of a
//          segment are wrong and dropped. A real segment becomes
//          M complex numbers without padding:
//              z[n] = (x[n] + i x[n+M]) w^n,   w = exp(pi i / 2M),   0 <= n < M
//          because t^2M + 1 = (t^M - i)(t^M + i), and modulo t^M - i real sequences of length 2M
//          are complex ones of length M; w^n turns that modulus into s^M - 1, which a transform of
//          length M multiplies in. (The wrap-around then comes with a minus sign. It is dropped.)
//          Folding and zero padding are the first load, the product is the load of the inverse,
//          unfolding, scaling and cropping are its last store: no pass but butterflies.
// Launch   Transform::launches() for the source, shared by both sides, and as many for each side;
//          each covers all segments of the block.
// Order    every output is one fixed tree of sums: deterministic.
// Cost     per segment (1 + 2) M log2(M) / 2 butterflies of 10 flops, and 6 to 8 flops per element
//          for fold, product and unfold; exactly in cost().
// Limits   K <= 2^27.
#include <span>

#include "cuda/fft/radix2.cuh"
#include "cuda/methods/convolver.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/methods/spectral_voices.cuh"
#include "cuda/runtime/range.hpp"

namespace gpuconv {
namespace {

/// First load: element n of segment `transform`, folded and turned; zeros outside the source.
struct FoldedSegments {
  const float* source;
  int source_length;
  int advance;
  int overlap;  // K-1, less what stands before the first sample that is new
  int length;   // M
  const float2* turn;

  __device__ float sample(int n) const { return n >= 0 && n < source_length ? source[n] : 0.0f; }
  __device__ float2 operator()(int transform, int n) const {
    const int first = transform * advance - overlap + n;
    return multiply(make_float2(sample(first), sample(first + length)), turn[n]);
  }
};

/// The same of the segments of items.
struct FoldedItems {
  const float* samples;
  const VoiceItem* items;
  int points;  // M
  const float2* turn;

  __device__ float2 operator()(int transform, int n) const {
    const VoiceItem item = items[transform];
    const auto sample = [&](int at) {
      return at >= 0 && at < item.length ? samples[item.offset + at] : 0.0f;
    };
    const int first = item.first + n;
    return multiply(make_float2(sample(first), sample(first + points)), turn[n]);
  }
};

/// Load of the inverse: spectrum of the segment times spectrum of the response.
struct Product {
  const float2* segments;
  const float2* response;
  int length;

  __device__ float2 operator()(int transform, int n) const {
    return multiply(segments[transform * length + n], response[n]);
  }
};

/// Last store: turned back, scaled, unfolded; only what is right and inside the wet signal.
struct UnfoldedSegments {
  float* wet;
  int wet_length;
  int advance;
  int overlap;
  int length;
  float scale;  // 1/M, a power of two: exact
  const float2* turn;

  __device__ void put(int transform, int n, float value) const {
    const int at = transform * advance + n - overlap;
    if (n >= overlap && at < wet_length) wet[at] = scale * value;
  }
  __device__ void operator()(int transform, int n, float2 value) const {
    const float2 folded = multiply_conjugate(value, turn[n]);
    put(transform, n, folded.x);
    put(transform, n + length, folded.y);
  }
};

class GpuRadix2 final : public PerEarConvolver {
 public:
  GpuRadix2(Stereo<std::span<const float>> response, const SegmentLengths& lengths)
      : lengths_(lengths),
        response_length_(static_cast<int>(response.left.size())),
        transform_(lengths.segment_samples / 2, stream_),
        turn_(static_cast<std::size_t>(fft_points())) {
    const std::vector<float2> turn = quarter_turn(fft_points());
    upload_async<float2>(turn, turn_.span(), stream_);
    stream_.synchronize();  // `turn` goes away with this constructor, also if it fails below
    DeviceBuffer<float> taps(response.left.size());
    for (const Side side : kSides) {
      upload_async(response[side], taps.span(), stream_);
      sides_[side].response = DeviceBuffer<float2>(static_cast<std::size_t>(fft_points()));
      if (transform_.launches() > 1) sides_[side].work = DeviceBuffer<float2>(elements());
      const FoldedSegments folded{taps.data(), response_length_, 0, 0, fft_points(), turn_.data()};
      transform_.forward(folded, 1, sides_[side].response.span(), stream_);
      stream_.synchronize();  // the spectrum is there for every stream
    }
  }

  int block_length() const override { return lengths_.block_length; }
  int history() const override { return lengths_.history; }

  std::size_t source_spectrum_size() const override { return 2 * elements(); }

  void enqueue_source_spectrum(const Block& block, const Stream& stream) override {
    const Range range("transform source");
    const FoldedSegments folded{block.source.data() - block.history,
                                block.history + static_cast<int>(block.source.size()),
                                lengths_.advance,
                                lengths_.overlap - block.history,
                                fft_points(),
                                turn_.data()};
    transform_.forward(folded, transforms(block), spectra(block), stream);
  }

  void enqueue(Side side, const Block& block, std::span<float> wet, const Stream& stream) override {
    const Range range("multiply and transform back", side);
    const Product product{spectra(block).data(), sides_[side].response.data(), fft_points()};
    const UnfoldedSegments unfolded{wet.data(),       static_cast<int>(wet.size()),
                                    lengths_.advance, lengths_.overlap,
                                    fft_points(),     1.0f / static_cast<float>(fft_points()),
                                    turn_.data()};
    transform_.inverse(product, unfolded, transforms(block), sides_[side].work.span(), stream);
  }

  Cost cost(int source_length, int /*clips*/) const override {
    const double M = fft_points();
    const double segments = lengths_.segments(source_length, response_length_);
    const double butterflies = M / 2 * std::countr_zero(static_cast<unsigned>(fft_points()));
    const double launches = transform_.launches();
    const double wet_length = lengths_.results(source_length, response_length_);
    Cost cost;
    cost.operations = segments * (3 * 10 * butterflies + 6 * M + 2 * (6 + 6 + 2) * M);
    // Every launch reads and writes all elements; the first reads samples and turns, the inverse
    // also the response and writes only the wet signal.
    cost.device_bytes = 3 * segments * 2 * 8 * M * (launches - 1) +  // stages in place
                        segments * (8 * M + 8 * M + 8 * M) +  // fold: samples, turn, spectrum
                        2 * (segments * (8 * M + 8 * M + 8 * M) + 4 * wet_length);
    cost.launches = 3 * transform_.launches();
    return cost;
  }

 private:
  struct Ear {
    DeviceBuffer<float2> response;  // spectrum
    DeviceBuffer<float2> work;
  };

  int fft_points() const { return lengths_.segment_samples / 2; }
  std::size_t elements() const {
    return static_cast<std::size_t>(lengths_.most_segments(response_length_)) *
           static_cast<std::size_t>(fft_points());
  }
  int transforms(const Block& block) const {
    return lengths_.segments(static_cast<int>(block.source.size()), response_length_);
  }
  std::span<float2> spectra(const Block& block) const {
    return {reinterpret_cast<float2*>(block.source_spectrum.data()),
            block.source_spectrum.size() / 2};
  }

  SegmentLengths lengths_;
  int response_length_;
  Stream stream_;
  radix2::Transform transform_;
  DeviceBuffer<float2> turn_;
  Stereo<Ear> sides_;
};

class Radix2Voices final : public SpectralVoices {
 public:
  Radix2Voices(int response_length, const SegmentLengths& lengths, const VoiceMemory& memory)
      : SpectralVoices(segment_sizes(response_length, lengths), memory),
        transform_(sizes().elements, stream()),
        turn_(quarter_turn(sizes().elements), stream()) {
    note_planned();
  }

 private:
  void enqueue_taps(Stereo<std::span<const float>> taps, const Stereo<std::span<float2>>& spectra,
                    const Stream& stream) override {
    for (const Side side : kSides) {
      const FoldedSegments folded{
          taps[side].data(), static_cast<int>(taps[side].size()), 0, 0, sizes().elements,
          turn_.data()};
      transform_.forward(folded, 1, spectra[side], stream);
    }
  }

  void enqueue_items(std::span<const VoiceItem> items, const VoiceItem* items_on_device,
                     const float* samples, std::span<float2> spectra,
                     const Stream& stream) override {
    const Range range("transform voices");
    const FoldedItems folded{samples, items_on_device, sizes().elements, turn_.data()};
    transform_.forward(folded, static_cast<int>(items.size()), spectra, stream);
  }

  void enqueue_inverse(const Stereo<std::span<float2>>& sums, int count,
                       const Stereo<std::span<float>>& wet, const Stream& stream) override {
    const Range range("transform back");
    const int M = sizes().elements;
    for (const Side side : kSides) {
      const UnfoldedSegments unfolded{wet[side].data(),
                                      static_cast<int>(wet[side].size()),
                                      sizes().advance,
                                      sizes().overlap,
                                      M,
                                      1.0f / static_cast<float>(M),
                                      turn_.data()};
      const radix2::InPlace in_place{sums[side].data(), M};
      transform_.inverse(in_place, unfolded, count, sums[side], stream);
    }
  }

  Cost transform_cost(int count, bool is_forward) const override {
    const double M = sizes().elements;
    const double butterflies = M / 2 * std::countr_zero(static_cast<unsigned>(sizes().elements));
    const double launches = transform_.launches();
    // As in GpuRadix2::cost(). Of the samples on the way back wet_cost() counts those that are new.
    return {count * (10 * butterflies + (is_forward ? 6 : 6 + 2) * M),
            count * (2 * 8 * M * (launches - 1) + (is_forward ? 3 : 2) * 8 * M),
            transform_.launches() * (is_forward ? 1 : 2)};
  }

  int taps_launches() const override { return 2 * transform_.launches(); }

  radix2::Transform transform_;
  UploadedTable<float2> turn_;
};

}  // namespace

std::unique_ptr<VoiceConvolver> plan_voices_radix2(int response_length, std::int64_t source_length,
                                                   const VoiceMemory& memory) {
  return std::make_unique<Radix2Voices>(response_length,
                                        radix2_lengths(source_length, response_length), memory);
}

std::unique_ptr<Convolver> plan_gpu_radix2(Stereo<std::span<const float>> response,
                                           std::int64_t source_length) {
  return plan_gpu_radix2_with(
      response, radix2_lengths(source_length, static_cast<int>(response.left.size())));
}

std::unique_ptr<Convolver> plan_gpu_radix2_with(Stereo<std::span<const float>> response,
                                                const SegmentLengths& lengths) {
  return std::make_unique<GpuRadix2>(response, lengths);
}

}  // namespace gpuconv
