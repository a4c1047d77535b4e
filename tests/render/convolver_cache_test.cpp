// convolver_cache_test.cpp - plans are found again by their taps, and by nothing less
#include "host/render/convolver_cache.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

Stereo<Signal> response_of(std::size_t taps, std::uint64_t seed) {
  return {noise(taps, seed), noise(taps, seed + 100)};
}

TEST(ConvolverCacheTest, FindsAPlanByAllOfItsTaps) {
  ConvolverCache cache;
  const Stereo<Signal> response = response_of(500, 1);
  const auto plan = cache.find(response);
  EXPECT_EQ(cache.find(Stereo<Signal>(response)), plan);
  Stereo<Signal> other = response;
  other.right.back() = -other.right.back();
  EXPECT_NE(cache.find(other), plan);
  EXPECT_NE(cache.find({response.right, response.left}), plan);
  const Stereo<Signal> zero{{1, 0}, {1, 0}};
  const Stereo<Signal> minus_zero{{1, 0}, {1, -0.0F}};
  EXPECT_NE(cache.find(zero), cache.find(minus_zero));
}

TEST(ConvolverCacheTest, ForgetsWhatHasNotBeenUsedForLongest) {
  constexpr std::size_t kTaps = 1000;
  ConvolverCache cache(5 * kTaps * 2 * sizeof(float));
  const std::weak_ptr<const VectorisedConvolver> first = cache.find(response_of(kTaps, 1));
  const std::weak_ptr<const VectorisedConvolver> second = cache.find(response_of(kTaps, 2));
  for (std::uint64_t seed = 3; seed < 7; ++seed) {
    cache.find(response_of(kTaps, 1));
    cache.find(response_of(kTaps, seed));
  }
  EXPECT_FALSE(first.expired());
  EXPECT_TRUE(second.expired());
}

TEST(ConvolverCacheTest, ServesSeveralThreadsWithTheSameBytes) {
  ConvolverCache cache;
  const Stereo<Signal> response = response_of(3000, 4);
  const Signal source = noise(20'000, 5);
  const auto run = [&] {
    Stereo<Signal> wet;
    std::size_t used = 0;
    cache.find(response)->run(
        [&](std::span<float> block) {
          const std::size_t count = std::min(block.size(), source.size() - used);
          std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(used), count, block.begin());
          used += count;
          return count;
        },
        [&](Stereo<std::span<const float>> frames) {
          for (const Side side : kSides) {
            wet[side].insert(wet[side].end(), frames[side].begin(), frames[side].end());
          }
        },
        1);
    return wet;
  };
  const Stereo<Signal> right = run();
  ASSERT_EQ(right.left.size(), 22'999u);
  std::vector<Stereo<Signal>> wets(6);
  {
    std::vector<std::jthread> threads;
    for (Stereo<Signal>& wet : wets) threads.emplace_back([&] { wet = run(); });
  }
  for (const Stereo<Signal>& wet : wets) {
    EXPECT_EQ(wet.left, right.left);
    EXPECT_EQ(wet.right, right.right);
  }
}

}  // namespace
}  // namespace gpuconv::test
