// lengths.hpp - block and transform lengths, as functions of N and K alone
//
// A result's bytes depend on these lengths, so nothing else may have a say in them: not the
// device, its free memory, nor what was measured on it. Plain arithmetic, no CUDA. N, K >= 1.
#pragma once

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

/// One renderer block of gpu-radix2 is cut into `transforms` overlapping pieces of `length` real
/// samples, of which `advance` are new.
struct Radix2Lengths {
  int length;        ///< 2M, a power of two; the complex transforms have length M
  int advance;       ///< 2M - K + 1
  int block_length;  ///< longest source of one renderer block
  int transforms;    ///< for a full block: ceil((block_length + K - 1) / advance)
};
Radix2Lengths radix2_lengths(std::int64_t source_length, int response_length);

/// Pieces that `source_length` samples of a block need.
int radix2_transforms(const Radix2Lengths& lengths, int source_length, int response_length);

struct CufftLengths {
  int length;        ///< 2^a 3^b 5^c 7^d
  int block_length;  ///< longest source of one renderer block
};
CufftLengths cufft_lengths(std::int64_t source_length, int response_length);

/// Smallest 2^a 3^b 5^c 7^d that is at least `length` >= 1.
std::int64_t next_smooth(std::int64_t length);

}  // namespace gpuconv
