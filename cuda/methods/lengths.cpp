#include "cuda/methods/lengths.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "cuda/methods/shapes.hpp"

namespace gpuconv {
namespace {

constexpr std::int64_t kDirectBlock = 1 << 19;
constexpr std::int64_t kLongestRadix2 = std::int64_t{1} << 28;
constexpr std::int64_t kRadix2Batch = std::int64_t{1} << 21;  // real samples per renderer block
constexpr std::int64_t kFourstepBatch = std::int64_t{1} << 22;
constexpr std::int64_t kFusedBatch = std::int64_t{1} << 21;
constexpr std::int64_t kCufftBlock = 1 << 21;
/// What a segment costs that has a multiprocessor to itself, so that nothing runs while it waits
/// for memory or at a barrier, against one of several. Predicted, not measured.
constexpr double kAlone = 1.25;

std::int64_t ceil_div(std::int64_t numerator, std::int64_t denominator) {
  return (numerator + denominator - 1) / denominator;
}

std::int64_t aligned(std::int64_t length) { return ceil_div(length, 4) * 4; }

/// For a source that is one block.
SegmentLengths one_block(std::int64_t length, std::int64_t overlap, std::int64_t N,
                         std::int64_t K) {
  const std::int64_t advance = length - overlap;
  return {static_cast<int>(length),
          static_cast<int>(overlap),
          static_cast<int>(advance),
          static_cast<int>(N),
          static_cast<int>(ceil_div(N + K - 1, advance)),
          0};
}

/// What segment_lengths() chooses from.
struct SegmentChoice {
  std::span<const std::int64_t> lengths;  ///< 2M, ascending
  std::int64_t overlap;
  std::int64_t batch;  ///< real samples per renderer block
  double passes;       ///< what the passes around the butterflies cost, in radix-2 stages
  /// From this length on a segment has a multiprocessor to itself.
  std::int64_t alone = std::numeric_limits<std::int64_t>::max();
};

/// The length that costs least for a whole source.
SegmentLengths segment_lengths(std::int64_t source_length, int K, const SegmentChoice& choice) {
  const std::int64_t N = std::min(source_length, kEndless);
  const bool is_endless = source_length >= kEndless;
  SegmentLengths best{};
  double least = std::numeric_limits<double>::infinity();
  const auto consider = [&](const SegmentLengths& lengths) {
    const auto length = static_cast<double>(lengths.segment_samples);
    const double work = static_cast<double>(lengths.all_segments(N, K)) * length *
                        (std::log2(length) + choice.passes) *
                        (lengths.segment_samples >= choice.alone ? kAlone : 1);
    if (work >= least) return;
    least = work;
    best = lengths;
  };
  for (const std::int64_t length : choice.lengths) {
    if (!is_endless && length >= N + K - 1) {
      // One segment holds it all: nothing wraps around, so nothing is dropped. Longer ones cost
      // more.
      consider(one_block(length, 0, N, K));
      break;
    }
    const std::int64_t advance = length - choice.overlap;
    if (advance < 1) continue;
    if (!is_endless && ceil_div(N + K - 1, advance) * length <= std::max(choice.batch, length)) {
      consider(one_block(length, choice.overlap, N, K));
      continue;
    }
    // At least two segments, so that more of a block is new than overlaps with the next.
    const std::int64_t segments = std::max<std::int64_t>(2, choice.batch / length);
    const SegmentLengths lengths = stream_lengths(
        static_cast<int>(length), static_cast<int>(choice.overlap), static_cast<int>(segments));
    // A block that is mostly overlap would never end.
    if (lengths.block_length_with_tail() < K) continue;
    consider(is_endless || lengths.block_length < N ? lengths
                                                    : one_block(length, choice.overlap, N, K));
  }
  return best;
}

}  // namespace

int direct_block_length(std::int64_t source_length) {
  return static_cast<int>(std::clamp<std::int64_t>(source_length, 1, kDirectBlock));
}

int SegmentLengths::results(int source_length, int response_length) const {
  return source_length + (history > 0 && source_length == block_length ? 0 : response_length - 1);
}

int SegmentLengths::segments(int source_length, int response_length) const {
  return static_cast<int>(ceil_div(results(source_length, response_length), advance));
}

int SegmentLengths::most_segments(int response_length) const {
  return std::max(transforms, segments(block_length - 1, response_length));
}

std::int64_t SegmentLengths::blocks(std::int64_t source_length, int response_length) const {
  const bool has_rest = source_length % block_length > 0 || (history > 0 && response_length > 1);
  return source_length / block_length + (has_rest ? 1 : 0);
}

std::int64_t SegmentLengths::all_segments(std::int64_t source_length, int response_length) const {
  const std::int64_t full = source_length / block_length;
  const auto rest = static_cast<int>(source_length % block_length);
  const bool has_rest = blocks(source_length, response_length) > full;
  return full * transforms + (has_rest ? segments(rest, response_length) : 0);
}

int SegmentLengths::block_length_with_tail() const {
  return history > 0 ? (block_length - overlap) / 4 * 4 : block_length;
}

SegmentLengths stream_lengths(int segment_samples, int overlap, int segments) {
  const int advance = segment_samples - overlap;
  const int block_length = segments * advance / 4 * 4;
  return {segment_samples, overlap,  advance,
          block_length,    segments, static_cast<int>(aligned(overlap))};
}

SegmentLengths radix2_lengths(std::int64_t source_length, int response_length) {
  std::vector<std::int64_t> lengths;  // M = 1 has no butterfly, so 2M >= 4
  for (std::int64_t length = 4; length <= kLongestRadix2; length *= 2) lengths.push_back(length);
  return segment_lengths(source_length, response_length,
                         {lengths, response_length - 1, kRadix2Batch, 4});
}

SegmentLengths fourstep_lengths(std::int64_t source_length, int response_length) {
  std::vector<std::int64_t> lengths;
  for (const FourstepShape& shape : kFourstepShapes) {
    lengths.push_back(std::int64_t{2} * shape.rows * shape.columns);
  }
  return segment_lengths(source_length, response_length,
                         {lengths, aligned(response_length - 1), kFourstepBatch, 10});
}

double fourstep_operations(double M) {
  // Forward once, inverse for each ear: butterflies, turns, twiddles. Products.
  return 3 * (5 * M * std::log2(M) + 6 * M + (6 + 6) * M) + 2 * 6 * M;
}

SegmentLengths fused_lengths(std::int64_t source_length, int response_length) {
  std::vector<std::int64_t> lengths;
  for (const int length : kFusedLengths) lengths.push_back(2 * length);
  return segment_lengths(source_length, response_length,
                         {lengths, aligned(response_length - 1), kFusedBatch, 6, lengths.back()});
}

double fused_operations(double M) {
  return 3 * (5 * M * std::log2(M) + 6 * M) + 2 * 6 * M;  // turns, products
}

CufftLengths cufft_lengths(std::int64_t source_length, int response_length) {
  const std::int64_t longest = std::max(kCufftBlock, std::int64_t{3} * response_length);
  const std::int64_t block = std::min({source_length, longest, kEndless});
  return {static_cast<int>(next_smooth(block + response_length - 1)), static_cast<int>(block)};
}

std::int64_t next_smooth(std::int64_t length) {
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t sevens = 1; sevens < 7 * length; sevens *= 7) {
    for (std::int64_t fives = sevens; fives < 5 * length; fives *= 5) {
      for (std::int64_t threes = fives; threes < 3 * length; threes *= 3) {
        std::int64_t product = threes;
        while (product < length) product *= 2;
        best = std::min(best, product);
      }
    }
  }
  return best;
}

}  // namespace gpuconv
