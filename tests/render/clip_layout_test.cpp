// clip_layout_test.cpp - which clips share a launch, and where they stand
#include "host/render/clip_layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace gpuconv::test {
namespace {

class ClipLayoutTest : public ::testing::TestWithParam<const char*> {
 protected:
  const Method& method_ = find_method(GetParam());
};

TEST_P(ClipLayoutTest, GivesAClipTheSegmentsThatItHasAloneAndEnoughZeros) {
  for (const std::int64_t K : {1, 2, 3, 300, 4'001, 16'000}) {
    for (const std::int64_t N : {1, 2, 5, 999, 20'001, 160'000, 400'003}) {
      SCOPED_TRACE(::testing::Message() << N << " samples, " << K << " taps");
      const SegmentLengths alone = method_.segments(N, static_cast<int>(K));
      const auto lengths = clip_lengths(method_, N, K);
      ASSERT_TRUE(lengths);
      EXPECT_EQ(lengths->segment_samples, alone.segment_samples);
      EXPECT_EQ(lengths->overlap, alone.overlap);
      EXPECT_EQ(lengths->advance(), alone.advance);
      ClipLayout layout(*lengths);
      const auto first = layout.add(N);
      const auto second = layout.add(N);
      ASSERT_TRUE(first && second);
      EXPECT_EQ(first->start, 0u);
      EXPECT_EQ(second->start, first->length);
      EXPECT_EQ(layout.size(), 2 * first->length);
      EXPECT_EQ(first->length % static_cast<std::size_t>(alone.advance), 0u);
      EXPECT_EQ(first->frames, static_cast<std::size_t>(N + K - 1));
      EXPECT_GE(first->length, first->frames);
      EXPECT_GE(first->length - first->samples, static_cast<std::size_t>(alone.overlap));
      // No more than one segment is wasted.
      const auto segments =
          static_cast<std::size_t>(alone.segments(static_cast<int>(N), static_cast<int>(K)));
      EXPECT_LE(first->length / static_cast<std::size_t>(alone.advance), segments + 1);
    }
  }
}

TEST_P(ClipLayoutTest, PutsClipsOfManyLengthsIntoFewBuckets) {
  std::map<std::pair<int, int>, int> buckets;
  for (std::int64_t N = 16'000; N <= 480'000; N += 1'000) {
    const auto lengths = clip_lengths(method_, N, 16'000);
    ASSERT_TRUE(lengths) << N;
    ++buckets[{lengths->segment_samples, lengths->overlap}];
  }
  // One for each length of a transform, and 465 sources.
  EXPECT_LE(buckets.size(), method_.name == "gpu-fused" ? 4u : 25u);
}

TEST_P(ClipLayoutTest, TakesNothingThatIsLongerThanAGroup) {
  EXPECT_FALSE(clip_lengths(method_, kGroupSamples, 100));
  EXPECT_FALSE(clip_lengths(method_, kEndless, 100));
  EXPECT_FALSE(clip_lengths(method_, 1000, kLongestResponse));
  EXPECT_FALSE(clip_lengths(method_, 0, 100));
  EXPECT_FALSE(clip_lengths(find_method("gpu-cufft"), 1000, 100));
  EXPECT_FALSE(clip_lengths(find_method("cpu-vectorised"), 1000, 100));
  ClipLayout layout(clip_lengths(method_, 160'000, 8'000).value());
  std::size_t clips = 0;
  while (layout.add(160'000)) ++clips;
  EXPECT_GE(clips, 8u);
  EXPECT_EQ(layout.places().size(), clips);
  EXPECT_LE(layout.size(), static_cast<std::size_t>(kGroupSamples));
}

TEST_P(ClipLayoutTest, LongRecordingsOfAnyLengthShareAPlan) {
  EXPECT_TRUE(plans_alike(method_, kEndless, 2 * kEndless, 8'000));
  EXPECT_TRUE(plans_alike(method_, 9'000'000, 9'000'001, 8'000));
  EXPECT_FALSE(plans_alike(method_, 1'000, 1'001, 300));  // their blocks differ
  EXPECT_FALSE(plans_alike(find_method("gpu-cufft"), 1'000, 1'001, 300));
  EXPECT_TRUE(plans_alike(find_method("gpu-cufft"), kEndless, kEndless + 1, 300));
}

INSTANTIATE_TEST_SUITE_P(Methods, ClipLayoutTest, ::testing::Values("gpu-fourstep", "gpu-fused"));

}  // namespace
}  // namespace gpuconv::test
