#include "cuda/methods/lengths.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace gpuconv::test {
namespace {

bool is_smooth(std::int64_t number) {
  for (const int prime : {2, 3, 5, 7}) {
    while (number % prime == 0) number /= prime;
  }
  return number == 1;
}

TEST(NextSmooth, IsTheSmallestThatIsLargeEnough) {
  for (std::int64_t length = 1; length <= 3000; ++length) {
    std::int64_t expected = length;
    while (!is_smooth(expected)) ++expected;
    ASSERT_EQ(next_smooth(length), expected) << length;
  }
  EXPECT_EQ(next_smooth(269'999), 270'000);
  EXPECT_EQ(next_smooth(175'999), 176'400);
}

TEST(Radix2Lengths, CoverEveryOutputOfABlock) {
  for (const std::int64_t N : {1LL, 2LL, 63LL, 64LL, 5000LL, 256'640LL, 57'600'000LL}) {
    for (const int K :
         {1, 2, 63, 64, 65, 4097, 70'000, 1'000'000, 14'400'000, 20'000'000, 134'217'728}) {
      const Radix2Lengths lengths = radix2_lengths(N, K);
      EXPECT_TRUE(std::has_single_bit(static_cast<unsigned>(lengths.length)));
      EXPECT_GE(lengths.length, 4);
      EXPECT_EQ(lengths.advance, lengths.length - K + 1);
      EXPECT_GE(lengths.advance, 1);
      EXPECT_GE(lengths.block_length, 1);
      if (N < kEndless) {
        EXPECT_LE(lengths.block_length, N);
      }
      EXPECT_GE(std::int64_t{lengths.transforms} * lengths.advance,
                std::int64_t{lengths.block_length} + K - 1)
          << N << ' ' << K;
      EXPECT_LT(std::int64_t{lengths.transforms - 1} * lengths.advance,
                std::int64_t{lengths.block_length} + K - 1);
      if (lengths.block_length < N) {
        EXPECT_GE(lengths.block_length, K) << "mostly overlap";
      }
    }
  }
}

TEST(Radix2Lengths, AreTheSameForAllEndlessSources) {
  for (const int K : {1, 70'000, 1'000'000}) {
    const Radix2Lengths a = radix2_lengths(kEndless, K);
    const Radix2Lengths b = radix2_lengths(100 * kEndless, K);
    EXPECT_EQ(a.length, b.length);
    EXPECT_EQ(a.block_length, b.block_length);
  }
}

TEST(CufftLengths, CoverEveryOutputOfABlock) {
  for (const std::int64_t N : {1LL, 5000LL, 256'640LL, 57'600'000LL}) {
    for (const int K : {1, 70'000, 14'400'000}) {
      const CufftLengths lengths = cufft_lengths(N, K);
      EXPECT_TRUE(is_smooth(lengths.length));
      EXPECT_GE(lengths.length, std::int64_t{lengths.block_length} + K - 1);
      EXPECT_LE(lengths.block_length, N);
    }
  }
}

}  // namespace
}  // namespace gpuconv::test
