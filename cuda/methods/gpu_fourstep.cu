// gpu_fourstep.cu - method gpu-fourstep: three passes over memory, for responses of any length
//
//   response  K floats per side     source  N floats     wet  N+K-1 floats per side
//
// Idea     Overlap-save in pieces of 2M samples (pieces.cuh), M = rows * columns, by the four-step
//          transform without its bookkeeping:
//            1  down the columns      reads samples: folding and zero padding are the load
//            2  along the rows        there, times both responses' spectra, and back
//            3  up the columns        scaling, unfolding and cropping are the store
//          No pass pads, transposes, reverses, multiplies or scales.
// Layout   A block of pass 1 or 3 does 8 columns; between the passes two rows lie side by side, so
//          that every access to scratch memory is 16 bytes.
// Chunks   Pieces go through all three passes in chunks whose scratch memory fits half the
//          second-level cache, if one piece does, and at most 64 MiB: then only samples and wet
//          signals need cross the memory bus. The chunk changes no byte of the result.
// Order    every output is one fixed tree of sums: deterministic.
// Cost     per piece three transforms of nominally 5 M log2(M) flops, and 6 to 18 per element for
//          turns, twiddles and products; 72 M bytes, most of them through the cache.
// Limits   K <= 2^22.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/fourstep/columns.hpp"
#include "cuda/methods/fourstep/rows.hpp"
#include "cuda/methods/lengths.hpp"
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

class GpuFourstep final : public Convolver {
 public:
  GpuFourstep(Stereo<std::span<const float>> response, const PieceLengths& lengths)
      : lengths_(lengths),
        response_length_(static_cast<int>(response.left.size())),
        columns_(make_column_transform(shape_of(length()), stream_)),
        rows_(make_row_transform(shape_of(length()), stream_)),
        chunk_(pieces_in_chunk(lengths)) {
    for (const Side side : kSides) {
      scratch_[side] = DeviceBuffer<float2>(elements(chunk_));
      spectra_[side] = DeviceBuffer<float2>(elements(1));
    }
    DeviceBuffer<float> taps(response.left.size());
    for (const Side side : kSides) {
      upload_async(response[side], taps.span(), stream_);
      const PieceReader reader(taps.data(), response_length_, 0, {1, 0, 0, length()});
      columns_->forward(reader, 0, 1, scratch_[side].span(), stream_);
      rows_->response(scratch_[side].span(), spectra_[side].span(), stream_);
      stream_.synchronize();  // the taps' buffer is used again
    }
  }

  int block_length() const override { return lengths_.block_length; }

  void enqueue_both(const Block& block, const Stereo<std::span<float>>& wet,
                    const Stream& stream) override {
    const Range range("three passes");
    const int source_length = source_length_of(block, wet);
    const int wet_length = source_length + response_length_ - 1;
    const PieceGrid grid{lengths_.pieces(source_length, response_length_), lengths_.advance,
                         lengths_.overlap, length()};
    const PieceReader source(block.source.data(), source_length, source_length, grid);
    const auto writer = [&](Side side) {
      return PieceWriter(
          wet[side].data(), wet_length,
          static_cast<std::int64_t>(clip_stride(static_cast<std::size_t>(wet_length))), grid,
          1.0f / static_cast<float>(length()));
    };
    const PieceWriter writers[] = {writer(Side::left), writer(Side::right)};
    const std::span<float2> scratch[] = {scratch_.left.span(), scratch_.right.span()};
    const std::span<const float2> spectra[] = {spectra_.left.span(), spectra_.right.span()};
    const int pieces = block.clips * grid.pieces;
    for (int first = 0; first < pieces; first += chunk_) {
      const int count = std::min(chunk_, pieces - first);
      columns_->forward(source, first, count, scratch[0], stream);
      rows_->convolve(scratch, count, spectra, stream);
      columns_->inverse(writers, first, count, scratch, stream);
    }
  }

  Cost cost(int source_length, int clips) const override {
    const double M = length();
    const int pieces = clips * lengths_.pieces(source_length, response_length_);
    Cost cost;
    // Forward once, product and inverse once for each side: butterflies, turn, twiddle, product.
    const double transform = 5 * M * std::log2(M) + 6 * M + (6 + 6) * M;
    cost.operations = pieces * (3 * transform + 2 * (6 + 2) * M);
    // Samples in; scratch out, in, out for both sides, in for both sides; spectra; wet out.
    cost.device_bytes = pieces * (8 * M + 8 * M + 8 * M + 2 * 8 * M + 2 * 8 * M + 2 * 8 * M) +
                        clips * 2 * 4.0 * (source_length + response_length_ - 1);
    cost.launches = 3 * ceil_div(pieces, chunk_);
    return cost;
  }

 private:
  int length() const { return lengths_.length / 2; }
  std::size_t elements(int pieces) const {
    return static_cast<std::size_t>(pieces) * static_cast<std::size_t>(length());
  }
  static int pieces_in_chunk(const PieceLengths& lengths) {
    const std::size_t piece_bytes =
        2 * sizeof(float2) * static_cast<std::size_t>(lengths.length / 2);
    return static_cast<int>(
        std::max<std::size_t>(1, std::min(l2_cache_bytes() / 2, kMostScratch) / piece_bytes));
  }

  PieceLengths lengths_;
  int response_length_;
  Stream stream_;
  std::unique_ptr<ColumnTransform> columns_;
  std::unique_ptr<RowTransform> rows_;
  int chunk_;  // pieces
  Stereo<DeviceBuffer<float2>> scratch_;
  Stereo<DeviceBuffer<float2>> spectra_;
};

}  // namespace

std::unique_ptr<Convolver> plan_gpu_fourstep(Stereo<std::span<const float>> response,
                                             std::int64_t source_length) {
  return std::make_unique<GpuFourstep>(
      response, fourstep_lengths(source_length, static_cast<int>(response.left.size())));
}

}  // namespace gpuconv
