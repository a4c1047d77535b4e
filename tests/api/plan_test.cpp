// plan_test.cpp - the library on samples in memory: the bytes are those of the renderer
#include "gpuconv/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "host/base/noise.hpp"
#include "tests/support/closeness.hpp"
#include "tests/support/files.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scene.hpp"

namespace gpuconv::test {
namespace {

Stereo<Signal> room_of(std::size_t taps, std::uint64_t seed = 2) {
  return {decaying_noise(taps, seed), decaying_noise(taps, seed + 1)};
}

Plan plan_of(const Stereo<Signal>& response, const PlanOptions& options = {}) {
  return Plan({response.left, response.right}, options);
}

Stereo<Signal> convolved(const Plan& plan, const Signal& source) {
  const std::size_t frames = source.size() + static_cast<std::size_t>(plan.taps()) - 1;
  Stereo<Signal> wet{Signal(frames, std::nanf("")), Signal(frames, std::nanf(""))};
  plan.convolve(source, {wet.left, wet.right});
  return wet;
}

void expect_same(const Stereo<Signal>& one, const Stereo<Signal>& other) {
  EXPECT_EQ(one.left, other.left);
  EXPECT_EQ(one.right, other.right);
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing";
}

class PlanOfEveryMethod : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }
  const PlanOptions options_{.method = std::string(GetParam()->name)};
};

TEST_P(PlanOfEveryMethod, GivesTheBytesOfTheRenderer) {
  for (const auto& [N, K] : {std::pair{1U, 1U}, {700U, 300U}, {300U, 700U}, {5000U, 900U}}) {
    const Signal source = noise(N, 1);
    const Stereo<Signal> response = room_of(K);
    const Stereo<Signal> expected = run(*GetParam(), source, response);
    const Plan plan = plan_of(response, options_);
    expect_same(convolved(plan, source), expected);
    expect_same(convolved(plan, source), expected);  // with what is planned by now
  }
}

TEST_P(PlanOfEveryMethod, GivesTheSameBytesInABatchAndInAStream) {
  constexpr std::size_t N = 600;
  constexpr std::size_t K = 250;
  const Stereo<Signal> response = room_of(K);
  const Plan plan = plan_of(response, options_);
  const Signal sources = noise(3 * N, 4);
  Signal wet(3 * 2 * (N + K - 1), std::nanf(""));
  const Report report = plan.convolve_clips(3, sources, wet);
  EXPECT_EQ(report.method, GetParam()->name);
  for (std::size_t i = 0; i < 3; ++i) {
    const Signal source(sources.begin() + static_cast<std::ptrdiff_t>(i * N),
                        sources.begin() + static_cast<std::ptrdiff_t>((i + 1) * N));
    const Stereo<Signal> expected = convolved(plan, source);
    const float* const both = wet.data() + i * 2 * (N + K - 1);
    EXPECT_EQ(Signal(both, both + N + K - 1), expected.left) << "clip " << i;
    EXPECT_EQ(Signal(both + N + K - 1, both + 2 * (N + K - 1)), expected.right) << "clip " << i;
  }
}

TEST_P(PlanOfEveryMethod, StreamsTheBytesOfAnEndlessSource) {
  const Signal source = noise(1500, 1);
  const Stereo<Signal> response = room_of(250);
  const auto renderer = make_renderer(*GetParam(), response, kEndless, 0);
  const Stereo<Signal> expected = run(*renderer, source);
  PlanStream stream = plan_of(response, options_).stream();
  Stereo<Signal> wet;
  const auto add = [&](const Stereo<Signal>& frames) {
    for (const Side side : kSides) {
      wet[side].insert(wet[side].end(), frames[side].begin(), frames[side].end());
    }
  };
  std::size_t used = 0;
  for (const std::size_t count : {0U, 1U, 7U, 1000U, 492U}) {
    add(stream.push(std::span(source).subspan(used, count)));
    used += count;
  }
  add(stream.finish());
  expect_same(wet, expected);
}

INSTANTIATE_TEST_SUITE_P(Api, PlanOfEveryMethod, ::testing::ValuesIn([] {
                           std::vector<const Method*> all;
                           for (const Method& method : methods()) all.push_back(&method);
                           return all;
                         }()),
                         [](const auto& one) { return test_name(one.param->name); });

TEST(PlanTest, StreamsBlocksLongerAndShorterThanThoseOfThePlan) {
  const Stereo<Signal> response = room_of(20'000);
  for (const std::size_t N : {1U, 4096U, 65'536U, 100'001U}) {
    const Signal source = noise(N, 1);
    const Stereo<Signal> expected = run(find_method("cpu-vectorised"), source, response);
    PlanStream stream = plan_of(response, {.method = "cpu-vectorised"}).stream();
    Stereo<Signal> wet = stream.push(std::span(source).first(N / 3));
    for (const auto& frames : {stream.push(std::span(source).subspan(N / 3)), stream.finish()}) {
      for (const Side side : kSides) {
        wet[side].insert(wet[side].end(), frames[side].begin(), frames[side].end());
      }
    }
    expect_same(wet, expected);
  }
}

TEST(PlanTest, AStreamIsNotFinishedTwice) {
  PlanStream stream = plan_of(room_of(10)).stream();
  EXPECT_TRUE(stream.finish().left.empty());
  EXPECT_THROW(stream.finish(), UsageError);
  EXPECT_THROW(stream.push({}), UsageError);
}

TEST(PlanTest, AnAbandonedStreamEnds) {
  PlanStream stream = plan_of(room_of(10), {.method = "cpu-threads"}).stream();
  stream.push(noise(100, 1));
}

TEST(PlanTest, ThreadsShareAPlan) {
  const Plan plan = plan_of(room_of(3000), {.method = "cpu-vectorised"});
  const Signal source = noise(20'000, 1);
  const Stereo<Signal> expected = convolved(plan, source);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5; ++j) expect_same(convolved(plan, source), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(PlanTest, AMovedPlanWorks) {
  Plan plan = plan_of(room_of(30));
  const Signal source = noise(100, 1);
  const Stereo<Signal> expected = convolved(plan, source);
  const Plan moved = std::move(plan);
  expect_same(convolved(moved, source), expected);
}

TEST(PlanTest, EachClipHasItsOwnResponse) {
  constexpr std::size_t N = 400;
  constexpr std::size_t K = 150;
  const Signal sources = noise(2 * N, 1);
  const Signal taps = noise(2 * 2 * K, 5);
  const std::vector<Plan> plans = make_plans(2, taps);
  const std::vector<const Plan*> of_clips{&plans[1], &plans[0]};
  Signal wet(2 * 2 * (N + K - 1));
  convolve_clips(of_clips, sources, wet);
  const Stereo<Signal> room{{taps.begin() + 2 * K, taps.begin() + 3 * K},
                            {taps.begin() + 3 * K, taps.end()}};
  const Stereo<Signal> expected =
      convolved(plan_of(room), Signal(sources.begin(), sources.begin() + N));
  EXPECT_TRUE(std::equal(expected.left.begin(), expected.left.end(), wet.begin()));
}

TEST(PlanTest, FindsSamplesThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Stereo<Signal> response = room_of(100);
  Signal source = noise(5000, 1);
  source[4321] = nan;
  const Plan strict = plan_of(response);
  EXPECT_TRUE(says(error_of([&] { convolved(strict, source); }), {"sample 4321", "not a number"}));
  Signal clips = source;
  clips.insert(clips.end(), 5000, 0.0F);
  Signal wet(2 * 2 * 5099);
  EXPECT_TRUE(says(error_of([&] { strict.convolve_clips(2, clips, wet); }), {"clip 0", "4321"}));
  const Plan mild = plan_of(response, {.nonfinite = NonFinite::zero});
  const Stereo<Signal> mended = convolved(mild, source);
  source[4321] = 0;
  expect_same(convolved(strict, source), mended);
  response.right[3] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(says(error_of([&] { plan_of(response); }), {"right ear", "sample 3", "infinite"}));
}

TEST(PlanTest, FindsAResultThatOverflows) {
  const Stereo<Signal> response{Signal(2, 3e38F), Signal(2, 0.0F)};
  const Plan plan = plan_of(response, {.method = "cpu-naive"});
  EXPECT_TRUE(says(error_of([&] { convolved(plan, Signal(3, 2.0F)); }), {"overflows", "frame 0"}));
}

TEST(PlanTest, RefusesWhatDoesNotFit) {
  const Stereo<Signal> response = room_of(10);
  const Plan plan = plan_of(response);
  Signal left(19), right(18);
  const Signal source(10);
  EXPECT_TRUE(says(error_of([&] { plan.convolve(source, {left, right}); }), {"19", "18"}));
  EXPECT_TRUE(says(error_of([&] { plan.convolve({}, {left, left}); }), {"no samples"}));
  EXPECT_TRUE(says(error_of([&] { plan.convolve_clips(3, source, left); }), {"3 clips"}));
  EXPECT_TRUE(says(error_of([&] { plan_of(response, {.method = "quick"}); }), {"quick", "auto"}));
  EXPECT_TRUE(says(error_of([&] { Plan({response.left, {}}); }), {"10 and 0"}));
}

TEST(PlanTest, WhatIsThrownBetweenBlocksEndsTheWork) {
  struct Enough {};
  const Plan plan = plan_of(room_of(100));
  Signal wet(8 * 2 * 1099);
  EXPECT_THROW(plan.convolve_clips(8, noise(8000, 1), wet, [] { throw Enough(); }), Enough);
}

TEST(VoicesOfPlans, AreSummedIntoTwoEars) {
  Scene scene;
  std::vector<Plan> plans;
  Signal sources;
  for (std::size_t v = 0; v < 3; ++v) {
    scene.sources.push_back(noise(5000, v + 1));
    scene.starts.push_back(0);
    scene.responses.push_back(room_of(300 - 100 * v, v + 7));
    scene.voices.push_back({v, v});
    plans.push_back(plan_of(scene.responses.back(), {.device = "cpu"}));
    sources.insert(sources.end(), scene.sources.back().begin(), scene.sources.back().end());
  }
  const std::vector<const Plan*> all{&plans[0], &plans[1], &plans[2]};
  Signal wet(2 * 5299, std::nanf(""));
  EXPECT_EQ(convolve_voices(all, sources, wet).method, "cpu-vectorised");
  for (const Side side : kSides) {
    const auto ear = std::span(wet).subspan(side == Side::left ? 0 : 5299, 5299);
    EXPECT_TRUE(
        is_close(ear, reference(scene, side), transform_error_bound({8192, 3}, 5000, 300), false));
  }
  const Plan* const one = &plans[1];
  const Stereo<Signal> alone = convolved(plans[1], scene.sources[1]);
  Signal of_one(2 * 5199);
  convolve_voices({&one, 1}, scene.sources[1], of_one);
  EXPECT_TRUE(std::ranges::equal(std::span(of_one).first(5199), alone.left));
  EXPECT_TRUE(std::ranges::equal(std::span(of_one).last(5199), alone.right));
}

TEST(VoicesOfPlans, NameTheVoiceThatIsWrong) {
  const Plan plan = plan_of(room_of(10));
  const std::vector<const Plan*> two{&plan, &plan};
  Signal sources(20, 0.5F);
  Signal wet(2 * 19);
  EXPECT_EQ(error_of([&] { convolve_voices(two, std::span(sources).first(19), wet); }),
            "sources: 19 samples are not 2 voices of one length");
  EXPECT_EQ(error_of([&] { convolve_voices(two, sources, std::span(wet).first(36)); }),
            "wet: 2 x 19 frames are 38 floats, not 36");
  EXPECT_EQ(error_of([&] { convolve_voices({}, {}, wet); }), "wet: no voices make no frames");
  sources[13] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(error_of([&] { convolve_voices(two, sources, wet); }),
            "voice 1: sample 3 is infinite; nonfinite zero replaces such samples by 0");
}

}  // namespace
}  // namespace gpuconv::test
