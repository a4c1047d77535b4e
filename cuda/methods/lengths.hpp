// lengths.hpp - block and transform lengths, as functions of N and K alone
//
// A result's bytes depend on these lengths, so nothing else may have a say in them: not the
// device, its free memory, nor what was measured on it. Plain arithmetic, no CUDA. N, K >= 1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gpuconv {

/// Longest response of the GPU methods, in taps: 46 minutes at 48 kHz.
inline constexpr std::int64_t kLongestResponse = std::int64_t{1} << 27;

/// A source of this many samples or more is planned as if it had no end, so that one whose length
/// nobody knows beforehand gets the same bytes: 17 minutes at 16 kHz.
inline constexpr std::int64_t kEndless = std::int64_t{1} << 24;

/// Source samples per block of the direct methods: long enough to fill a large GPU, short enough
/// for copies and computing to overlap.
int direct_block_length(std::int64_t source_length);

/// Overlap-save: one renderer block is cut into `transforms` overlapping segments of
/// `segment_samples` real samples, of which `advance` are new and `overlap` are those before: K - 1
/// or a few more; none, if one segment is as long as the whole wet signal.
struct SegmentLengths {
  int segment_samples;  ///< 2M; the complex transforms have M points
  int overlap;          ///< as many results, the first of a segment, are wrong and dropped
  int advance;          ///< segment_samples - overlap
  int block_length;     ///< longest source of one renderer block
  int transforms;       ///< for a full block: segments(block_length)
  /// Of a source that takes several blocks, the samples before a block that its first segment
  /// reads: the overlap, or a few more for a multiple of four. A full block then has as many
  /// results as samples: its segments', but for a few that let the next block start aligned. 0 for
  /// a source of one block, which has K - 1 results more.
  int history;

  /// Of a block of `source_length` samples: with the tail, unless further blocks may follow.
  int results(int source_length, int response_length) const;
  /// That these results need.
  int segments(int source_length, int response_length) const;
  /// Of any block: one that is almost full and has the tail can have more than a full one.
  int most_segments(int response_length) const;
  /// For a whole source. After a full block with history the last one has no samples, only the
  /// tail.
  std::int64_t blocks(std::int64_t source_length, int response_length) const;
  std::int64_t all_segments(std::int64_t source_length, int response_length) const;

  /// Of a block from the same segments whose results are always K - 1 more than its samples. A
  /// multiple of four, if another one follows.
  int block_length_with_tail() const;
};

/// For a source of several blocks, each of `segments` segments of `segment_samples`.
SegmentLengths stream_lengths(int segment_samples, int overlap, int segments);

/// M is a power of two, and the overlap K - 1.
SegmentLengths radix2_lengths(std::int64_t source_length, int response_length);

/// M = columns * rows (see shapes.hpp); overlap and advance are multiples of four, so
/// that vectors stay aligned.
SegmentLengths fourstep_lengths(std::int64_t source_length, int response_length);
inline constexpr std::int64_t kLongestFourstepResponse = std::int64_t{1} << 22;
/// Float operations of one segment of M points, both ears.
double fourstep_operations(double M);

/// M is one of kFusedLengths (shapes.hpp), overlap and advance as of gpu-fourstep.
SegmentLengths fused_lengths(std::int64_t source_length, int response_length);
inline constexpr std::int64_t kLongestFusedResponse = 16'384;
double fused_operations(double M);
/// Of shared memory, that one segment takes: M complex numbers.
constexpr std::size_t fused_shared_bytes(const SegmentLengths& lengths) {
  return 4 * static_cast<std::size_t>(lengths.segment_samples);
}

struct CufftLengths {
  int length;        ///< 2^a 3^b 5^c 7^d
  int block_length;  ///< longest source of one renderer block
};
CufftLengths cufft_lengths(std::int64_t source_length, int response_length);

/// Smallest 2^a 3^b 5^c 7^d that is at least `length` >= 1.
std::int64_t next_smooth(std::int64_t length);

}  // namespace gpuconv
