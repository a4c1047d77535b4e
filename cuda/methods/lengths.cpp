#include "cuda/methods/lengths.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace gpuconv {
namespace {

constexpr std::int64_t kDirectBlock = 1 << 19;
constexpr std::int64_t kLongestRadix2 = std::int64_t{1} << 28;
constexpr std::int64_t kRadix2Batch = std::int64_t{1} << 21;  // real samples per renderer block
constexpr std::int64_t kCufftBlock = 1 << 21;

std::int64_t ceil_div(std::int64_t numerator, std::int64_t denominator) {
  return (numerator + denominator - 1) / denominator;
}

/// Longest source of a block of transforms of `length`: at least two of them, so that more of a
/// block is new than overlaps with the next.
std::int64_t radix2_block_length(std::int64_t length, std::int64_t response_length) {
  const std::int64_t advance = length - response_length + 1;
  const std::int64_t transforms = std::max<std::int64_t>(2, kRadix2Batch / length);
  return transforms * advance - response_length + 1;
}

}  // namespace

int direct_block_length(std::int64_t source_length) {
  return static_cast<int>(std::clamp<std::int64_t>(source_length, 1, kDirectBlock));
}

Radix2Lengths radix2_lengths(std::int64_t source_length, int response_length) {
  const std::int64_t N = std::min(source_length, kEndless);
  const std::int64_t K = response_length;
  Radix2Lengths best{};
  double fewest = std::numeric_limits<double>::infinity();
  // M = 1 has no butterfly, so 2M >= 4.
  for (std::int64_t length = std::max<std::int64_t>(
           4, static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(K))));
       length <= kLongestRadix2; length *= 2) {
    const std::int64_t advance = length - K + 1;
    const std::int64_t longest_block = radix2_block_length(length, K);
    const bool is_one_block = source_length < kEndless && ceil_div(N + K - 1, advance) * length <=
                                                              std::max(kRadix2Batch, length);
    // A block that is mostly overlap would never end.
    if (!is_one_block && longest_block < K) continue;
    const std::int64_t block = is_one_block                ? N
                               : source_length >= kEndless ? longest_block
                                                           : std::min(N, longest_block);
    const double transforms = static_cast<double>(ceil_div(N, block)) *
                              static_cast<double>(ceil_div(block + K - 1, advance));
    // Every butterfly stage and the passes around them (fold, product, unfold: about 4 stages').
    const double work =
        transforms * static_cast<double>(length) * (std::log2(static_cast<double>(length)) + 4);
    if (work < fewest) {
      fewest = work;
      best = {static_cast<int>(length), static_cast<int>(advance), static_cast<int>(block),
              static_cast<int>(ceil_div(block + K - 1, advance))};
    }
    if (advance >= N + K - 1) break;  // one transform does it all: longer ones only cost more
  }
  return best;
}

int radix2_transforms(const Radix2Lengths& lengths, int source_length, int response_length) {
  return static_cast<int>(
      ceil_div(std::int64_t{source_length} + response_length - 1, lengths.advance));
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
