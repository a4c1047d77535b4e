// gpu_fourstep.cu - method gpu-fourstep: three passes over memory, for responses of any length
//
//   response  K floats per side     source  N floats     wet  N+K-1 floats per side
//
// Idea     Overlap-save in segments of 2M samples (segments.cuh), M = rows * columns, by the
//          four-step transform without its bookkeeping:
//            1  down the columns      reads samples: folding and zero padding are the load
//            2  along the rows        there, times both responses' spectra, and back
//            3  up the columns        unfolding and cropping are the store, scaling is in the turn
//          No pass pads, transposes, reverses, multiplies or scales.
// Layout   A block of pass 1 or 3 does 8 columns; between the passes two rows lie side by side, so
//          that every access to scratch memory is 16 bytes. A block of pass 2 does two rows; where
//          there are many segments, the same rows of two or four of them, for which it loads the
//          spectra once.
// Batches  Segments go through all three passes in batches whose scratch memory fits half the
//          second-level cache, if one segment does, and at most 64 MiB: then only samples and wet
//          signals need cross the memory bus. The batch changes no byte of the result.
// Order    every output is one fixed tree of sums: deterministic.
// Cost     per segment three transforms of nominally 5 M log2(M) flops, and 6 to 18 per element for
//          turns, twiddles and products; 72 M bytes, most of them through the cache.
// Limits   K <= 2^22.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "cuda/methods/fourstep/columns.hpp"
#include "cuda/methods/fourstep/rows.hpp"
#include "cuda/methods/segment_convolver.cuh"
#include "cuda/methods/spectral_voices.cuh"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/launch.cuh"
#include "cuda/runtime/range.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kMostScratch = std::size_t{64} << 20;

const FourstepShape& shape_of(int length) {
  const auto shape =
      std::find_if(std::begin(kFourstepShapes), std::end(kFourstepShapes),
                   [&](const FourstepShape& one) { return one.rows * one.columns == length; });
  if (shape == std::end(kFourstepShapes)) throw std::logic_error("gpu-fourstep: no such length");
  return *shape;
}

class GpuFourstep final : public SegmentConvolver {
 public:
  /// A batch takes at most `scratch_bytes`, if one segment does.
  GpuFourstep(Stereo<std::span<const float>> response, const SegmentLengths& lengths,
              std::size_t scratch_bytes)
      : SegmentConvolver(static_cast<int>(response.left.size()), lengths),
        columns_(make_column_transform(shape_of(fft_points()), stream())),
        rows_(make_row_transform(shape_of(fft_points()), stream())),
        batch_(batch(scratch_bytes)) {
    for (const Side side : kSides) scratch_[side] = DeviceBuffer<float2>(elements(batch_));
    transform(response);
  }

  Cost cost(int source_length, int clips) const override {
    const double M = fft_points();
    const int segments = this->segments(source_length, clips);
    Cost cost;
    cost.operations = segments * fourstep_operations(M);
    // Samples in; scratch out, in, out for both sides, in for both sides; spectra; wet out.
    cost.device_bytes = segments * (8 * M + 8 * M + 8 * M + 2 * 8 * M + 2 * 8 * M + 2 * 8 * M) +
                        wet_bytes(source_length, clips);
    for (int first = 0; first < segments; first += batch_) {
      cost.launches += 2 + rows_->launches(std::min(batch_, segments - first));
    }
    return cost;
  }

  Cost response_cost(int source_length, int clips) const override {
    const double M = fft_points();
    // Taps in; scratch out and in; spectrum out. A single segment's launches do it along.
    return {2 * (5 * M * std::log2(M) + 6 * M + 6 * M), 2 * (4.0 * response_length() + 3 * 8 * M),
            segments(source_length, clips) == 1 ? 0 : 2};
  }

 private:
  void enqueue_spectra(const SegmentReader (&taps)[2], const std::span<float2> (&spectra)[2],
                       const Stream& stream) override {
    const ColumnPiece pieces[] = {{taps[0], 0, 1, spectra[0].data()},
                                  {taps[1], 0, 1, spectra[1].data()}};
    columns_->forward(pieces, stream);
    rows_->responses(spectra, stream);
  }

  void enqueue_with_spectra(const SegmentReader (&taps)[2], const SegmentReader& source,
                            const SegmentWriter (&wet)[2], int segments,
                            const std::span<float2> (&spectra)[2], const Stream& stream) override {
    if (segments != 1) {
      SegmentConvolver::enqueue_with_spectra(taps, source, wet, segments, spectra, stream);
      return;
    }
    const Range range("three passes");
    const std::span<float2> scratch[] = {scratch_.left.span(), scratch_.right.span()};
    const ColumnPiece pieces[] = {{source, 0, 1, scratch[0].data()},
                                  {taps[0], 0, 1, spectra[0].data()},
                                  {taps[1], 0, 1, spectra[1].data()}};
    columns_->forward(pieces, stream);
    rows_->convolve_with_responses(scratch, spectra, stream);
    columns_->inverse(wet, 0, 1, scratch, stream);
  }

  void enqueue_segments(const SegmentReader& source, const SegmentWriter (&wet)[2], int segments,
                        const std::span<const float2> (&spectra)[2],
                        const Stream& stream) override {
    const Range range("three passes");
    const std::span<float2> scratch[] = {scratch_.left.span(), scratch_.right.span()};
    for (int first = 0; first < segments; first += batch_) {
      const int count = std::min(batch_, segments - first);
      const ColumnPiece piece{source, first, count, scratch[0].data()};
      columns_->forward({&piece, 1}, stream);
      rows_->convolve(scratch, count, spectra, stream);
      columns_->inverse(wet, first, count, scratch, stream);
    }
  }

  /// Segments.
  int batch(std::size_t scratch_bytes) const {
    const auto fit = static_cast<int>(scratch_bytes / (2 * sizeof(float2) * elements(1)));
    return fit < rows_->together() ? std::max(1, fit) : fit / rows_->together() * rows_->together();
  }

  std::size_t elements(int segments) const {
    return static_cast<std::size_t>(segments) * static_cast<std::size_t>(fft_points());
  }

  std::unique_ptr<ColumnTransform> columns_;
  std::unique_ptr<RowTransform> rows_;
  int batch_;  // segments
  Stereo<DeviceBuffer<float2>> scratch_;
};

class FourstepVoices final : public SpectralVoices {
 public:
  FourstepVoices(int response_length, const SegmentLengths& lengths, const VoiceMemory& memory)
      : SpectralVoices(segment_sizes(response_length, lengths), memory),
        columns_(make_column_transform(shape_of(sizes().elements), stream())),
        rows_(make_row_transform(shape_of(sizes().elements), stream())) {
    note_planned();
  }

 private:
  void enqueue_taps(Stereo<std::span<const float>> taps, const Stereo<std::span<float2>>& spectra,
                    const Stream& stream) override {
    const ColumnPiece pieces[] = {{tap_reader(taps.left), 0, 1, spectra.left.data()},
                                  {tap_reader(taps.right), 0, 1, spectra.right.data()}};
    columns_->forward(pieces, stream);
    rows_->responses({spectra.left, spectra.right}, stream);
  }

  void enqueue_items(std::span<const VoiceItem> items, const VoiceItem* items_on_device,
                     const float* samples, std::span<float2> spectra,
                     const Stream& stream) override {
    const Range range("transform voices");
    const auto count = static_cast<int>(items.size());
    columns_->forward_items(samples, items_on_device, count, spectra.data(), stream);
    rows_->spectra(spectra, count, stream);
  }

  void enqueue_inverse(const Stereo<std::span<float2>>& sums, int count,
                       const Stereo<std::span<float>>& wet, const Stream& stream) override {
    const Range range("transform back");
    const std::span<float2> sides[] = {sums.left, sums.right};
    rows_->inverse(sides, count, stream);
    columns_->inverse({writer(wet.left), writer(wet.right)}, 0, count, sides, stream);
  }

  Cost transform_cost(int count, bool is_forward) const override {
    const double M = sizes().elements;
    // Butterflies, turns, twiddles. Spectrum; scratch out and in; samples, of which wet_cost()
    // counts those that are new.
    return {count * (5 * M * std::log2(M) + 6 * M + 6 * M), count * (is_forward ? 4 : 3) * 8 * M,
            2};
  }

  std::unique_ptr<ColumnTransform> columns_;
  std::unique_ptr<RowTransform> rows_;
};

}  // namespace

std::unique_ptr<VoiceConvolver> plan_voices_fourstep(int response_length,
                                                     std::int64_t source_length,
                                                     const VoiceMemory& memory) {
  return std::make_unique<FourstepVoices>(response_length,
                                          fourstep_lengths(source_length, response_length), memory);
}

std::unique_ptr<Convolver> plan_gpu_fourstep(Stereo<std::span<const float>> response,
                                             std::int64_t source_length) {
  return plan_gpu_fourstep_with(
      response, fourstep_lengths(source_length, static_cast<int>(response.left.size())),
      std::min(l2_cache_bytes() / 2, kMostScratch));
}

std::unique_ptr<Convolver> plan_gpu_fourstep_with(Stereo<std::span<const float>> response,
                                                  const SegmentLengths& lengths,
                                                  std::size_t scratch_bytes) {
  return std::make_unique<GpuFourstep>(response, lengths, scratch_bytes);
}

}  // namespace gpuconv
