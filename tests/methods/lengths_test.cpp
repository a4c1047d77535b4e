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

struct Planner {
  const char* name;
  SegmentLengths (*lengths)(std::int64_t source_length, int response_length);
  std::int64_t longest_response;
  int alignment;  ///< of overlap and advance
};

class Planned : public ::testing::TestWithParam<Planner> {};

TEST_P(Planned, SegmentsCoverEveryOutputOfABlock) {
  const Planner& planner = GetParam();
  for (const std::int64_t N : {1LL, 2LL, 63LL, 64LL, 5000LL, 256'640LL, 57'600'000LL}) {
    for (const int K : {1, 2, 63, 64, 65, 4097, 16'384, 70'000, 1'000'000, 4'194'304, 14'400'000,
                        20'000'000, 134'217'728}) {
      if (K > planner.longest_response) continue;
      const SegmentLengths lengths = planner.lengths(N, K);
      EXPECT_EQ(lengths.overlap % planner.alignment, 0);
      EXPECT_EQ(lengths.advance % planner.alignment, 0);
      EXPECT_EQ(lengths.advance, lengths.segment_samples - lengths.overlap);
      EXPECT_GE(lengths.advance, 1);
      EXPECT_GE(lengths.block_length, 1);
      if (lengths.overlap < K - 1) {
        EXPECT_EQ(lengths.overlap, 0);
        EXPECT_EQ(lengths.transforms, 1);
        EXPECT_GE(lengths.segment_samples, N + K - 1) << "would wrap around";
        EXPECT_EQ(lengths.block_length, N);
      }
      EXPECT_LT(lengths.overlap, K - 1 + planner.alignment);
      if (N < kEndless) {
        EXPECT_LE(lengths.block_length, N);
      }
      EXPECT_EQ(lengths.segments(lengths.block_length, K), lengths.transforms);
      EXPECT_GE(lengths.most_segments(K), lengths.transforms);
      EXPECT_GE(lengths.most_segments(K), lengths.segments(lengths.block_length - 1, K));
      const bool goes_on = N >= kEndless || lengths.block_length < N;
      if (goes_on && K > 1) {
        EXPECT_GE(lengths.history, lengths.overlap);
        EXPECT_LT(lengths.history, lengths.overlap + 4);
        EXPECT_EQ(lengths.history % 4, 0);
        EXPECT_LE(lengths.history, lengths.block_length) << "one block before has to be enough";
        EXPECT_EQ(lengths.block_length, lengths.transforms * lengths.advance / 4 * 4)
            << "whole segments, but for what aligns the next block";
        EXPECT_GE(lengths.block_length_with_tail(), K) << "mostly overlap";
        EXPECT_LE(lengths.block_length_with_tail() + K - 1, lengths.block_length);
        EXPECT_EQ(lengths.block_length_with_tail() % 4, 0) << "the next block starts unaligned";
        // The last block with samples has the tail, unless it is full: then another one has.
        EXPECT_EQ(lengths.results(lengths.block_length - 1, K), lengths.block_length - 1 + K - 1);
        EXPECT_EQ(lengths.results(lengths.block_length, K), lengths.block_length);
        EXPECT_EQ(lengths.results(0, K), K - 1);
        EXPECT_EQ(lengths.blocks(lengths.block_length - 1, K), 1);
        EXPECT_EQ(lengths.blocks(lengths.block_length, K), 2);
        EXPECT_EQ(lengths.all_segments(lengths.block_length, K),
                  lengths.transforms + lengths.segments(0, K));
      } else {
        EXPECT_EQ(lengths.history, 0);
        if (goes_on) continue;
        EXPECT_EQ(lengths.block_length, N);
        EXPECT_EQ(lengths.blocks(N, K), 1);
        EXPECT_GE(std::int64_t{lengths.transforms} * lengths.advance, N + K - 1) << N << ' ' << K;
        EXPECT_LT(std::int64_t{lengths.transforms - 1} * lengths.advance, N + K - 1);
      }
      if (lengths.advance % 4 == 0) {
        // Segments of blocks stand where those of one block would.
        EXPECT_EQ(lengths.all_segments(N, K), (N + K - 1 + lengths.advance - 1) / lengths.advance);
      }
    }
  }
}

TEST_P(Planned, LengthsAreTheSameForAllEndlessSources) {
  for (const int K : {1, 70'000, 1'000'000}) {
    if (K > GetParam().longest_response) continue;
    const SegmentLengths a = GetParam().lengths(kEndless, K);
    const SegmentLengths b = GetParam().lengths(100 * kEndless, K);
    EXPECT_EQ(a.segment_samples, b.segment_samples);
    EXPECT_EQ(a.block_length, b.block_length);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , Planned,
    ::testing::Values(Planner{"gpu_radix2", radix2_lengths, kLongestResponse, 1},
                      Planner{"gpu_fourstep", fourstep_lengths, kLongestFourstepResponse, 4},
                      Planner{"gpu_fused", fused_lengths, kLongestFusedResponse, 4}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(Radix2Lengths, ArePowersOfTwoFromFour) {
  for (const std::int64_t N : {1LL, 100LL, 256'640LL, 57'600'000LL}) {
    for (const int K : {1, 64, 4097, 134'217'728}) {
      const SegmentLengths lengths = radix2_lengths(N, K);
      EXPECT_TRUE(std::has_single_bit(static_cast<unsigned>(lengths.segment_samples)));
      EXPECT_GE(lengths.segment_samples, 4);
    }
  }
}

TEST(FourstepLengths, TakeOneSegmentForTheNotebooksJob) {
  // 269,999 wet samples just exceed 2^18: nine eighths of it do, not twice.
  const SegmentLengths lengths = fourstep_lengths(200'000, 70'000);
  EXPECT_EQ(lengths.segment_samples, 294'912);
  EXPECT_EQ(lengths.transforms, 1);
}

TEST(FusedLengths, ShareAMultiprocessorAsLongAsThatPays) {
  // 64 KiB of shared memory: every GPU has them.
  for (const std::int64_t N : {160'000LL, 57'600'000LL}) {
    EXPECT_EQ(fused_lengths(N, 6'200).segment_samples, 2 * 8192) << N;
  }
  EXPECT_EQ(fused_lengths(57'600'000, 7'000).segment_samples, 2 * 16'384);
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
