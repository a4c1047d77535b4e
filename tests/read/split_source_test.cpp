#include "host/read/split_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

constexpr std::size_t kSplitSamples = 200'000;

class SplitSourceTest : public ::testing::Test {
 protected:
  static ChooseChannels chosen(std::vector<int> channels) {
    return [channels = std::move(channels)](const AudioFormat&) { return channels; };
  }
  /// Sample n of channel c, from 0.
  float at(std::size_t c, std::size_t n) const { return frames_[4 * n + c]; }

  const Folder folder_;
  const Signal frames_ = noise(4 * kSplitSamples, 1);
  const std::string path_ = float_wav(folder_, "four.wav", 4, frames_);
};

TEST_F(SplitSourceTest, GivesEachChannelWhateverTheOrderAndTheLengthOfTheCalls) {
  std::mt19937 random(1);
  for (int round = 0; round < 3; ++round) {
    SplitSource split(path_, {}, chosen({4, 1, 2}));
    const std::vector<std::size_t> channels{3, 0, 1};
    std::vector<Signal> read(3);
    std::vector<bool> has_ended(3);
    while (std::ranges::count(has_ended, false) > 0) {
      // Mostly side by side; in the last round, one after the other.
      const std::size_t i =
          round == 2
              ? static_cast<std::size_t>(std::ranges::find(has_ended, false) - has_ended.begin())
              : random() % 3;
      Signal block(1 + random() % 70'000);
      const std::size_t got = split.read(i, block);
      read[i].insert(read[i].end(), block.begin(),
                     block.begin() + static_cast<std::ptrdiff_t>(got));
      has_ended[i] = has_ended[i] || got < block.size();
      if (has_ended[i]) {
        EXPECT_EQ(split.read(i, block), 0u);
      }
    }
    EXPECT_TRUE(split.has_ended());
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(read[i].size(), kSplitSamples);
      for (std::size_t n = 0; n < kSplitSamples; ++n)
        ASSERT_EQ(read[i][n], at(channels[i], n)) << n;
    }
  }
}

TEST_F(SplitSourceTest, KeepsNothingOfAChannelThatNobodyReads) {
  SplitSource split(path_, {}, chosen({1, 2}));
  split.read_only({false, true});
  Signal block(kSplitSamples + 1);
  EXPECT_EQ(split.read(1, block), kSplitSamples);
  EXPECT_EQ(block[100], at(1, 100));
  EXPECT_TRUE(split.has_ended());
}

TEST_F(SplitSourceTest, ReplacesWhatIsNotFiniteOnlyInTheChannelsThatAreRead) {
  const std::string path = float_wav(folder_, "nan.wav", 3, {1, NAN, 2, NAN, 3, 4, 5, 6, INFINITY});
  SourceOptions options;
  options.nonfinite = NonFinite::zero;
  SplitSource split(path, options, chosen({1, 2}));
  Signal left(5), right(5);
  EXPECT_EQ(split.read(0, left), 3u);
  EXPECT_EQ(split.read(1, right), 3u);
  EXPECT_EQ(left[0], 1);
  EXPECT_EQ(left[1], 0);
  EXPECT_EQ(right[0], 0);
  EXPECT_EQ(right[2], 6);
  EXPECT_EQ(split.source().reader().replaced(), 2);
}

}  // namespace
}  // namespace gpuconv::test
