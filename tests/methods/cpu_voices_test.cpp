// cpu_voices_test.cpp - scenes by cpu-vectorised: windows, ramps, ends, partitions, threads
#include "host/methods/cpu_voices.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

#include "tests/methods/cpu_reference.hpp"
#include "tests/support/scene.hpp"

namespace gpuconv::test {
namespace {

Stereo<Signal> render(const VoicesConvolver& convolver, std::span<const SceneSource> sources,
                      int threads = 0) {
  Stereo<Signal> wet;
  convolver.run(
      sources,
      [&](Stereo<std::span<const float>> frames) {
        EXPECT_EQ(frames.left.size(), frames.right.size());
        for (const Side side : kSides) {
          wet[side].insert(wet[side].end(), frames[side].begin(), frames[side].end());
        }
      },
      threads);
  return wet;
}

VoicesConvolver convolver_of(const Scene& scene) {
  return {scene.made_responses(), scene.voices, scene.length()};
}

Stereo<Signal> render(const Scene& scene, int threads = 0) {
  return render(convolver_of(scene), readers_of(scene), threads);
}

Stereo<Signal> any_room(std::size_t K, std::uint64_t seed = 2) {
  return {decaying_noise(K, seed), decaying_noise(K, seed + 1)};
}

/// E <= 1.5 u sqrt(2 log2 L + P V/2).
ErrorBound bound(const Scene& scene, const VectorisedPlan& plan) {
  return transform_bound(
      2 * static_cast<std::size_t>(plan.half),
      plan.partitions * static_cast<int>(std::max<std::size_t>(scene.voices.size(), 1)));
}

void expect_scene(const Scene& scene, int threads = 0) {
  const VoicesConvolver convolver = convolver_of(scene);
  const Stereo<Signal> wet = render(convolver, readers_of(scene), threads);
  for (const Side side : kSides) {
    EXPECT_TRUE(is_close(wet[side], reference(scene, side), bound(scene, convolver.plan()), false))
        << name(side) << " ear, " << scene.voices.size() << " voices, " << scene.length()
        << " frames, " << scene.longest_response() << " taps, half " << convolver.plan().half;
  }
}

/// V sources of different lengths and starts, each with a response of its own.
Scene scene_of(std::size_t V, std::size_t N, std::size_t K) {
  Scene scene;
  for (std::size_t v = 0; v < V; ++v) {
    scene.sources.push_back(noise(1 + N * (v + 1) / V, 10 * v + 1));
    scene.starts.push_back(static_cast<std::int64_t>(v * N / 7));
    scene.responses.push_back(any_room(1 + (K - 1) * (V - v) / V, 10 * v + 2));
    scene.voices.push_back({v, v});
  }
  return scene;
}

/// See tests/support/scene.hpp.
Scene moving_scene(std::size_t N, std::size_t K, int steps, int ramp) {
  return test::moving_scene(noise(N, 1), 0, steps, ramp,
                            [K](std::uint64_t seed) { return any_room(K, seed); });
}

TEST(CpuVoices, OneWholeVoiceHasTheBytesOfItsMethod) {
  for (const auto& [N, K] : {std::pair(1, 1),
                             {300, 20},
                             {5000, 300},
                             {200'000, 70'000},
                             {300'000, 1000},
                             {400'000, 70'000},
                             {400'000, 600'000}}) {
    const Scene scene{{noise(static_cast<std::size_t>(N), 1)},
                      {0},
                      {any_room(static_cast<std::size_t>(K))},
                      {{0, 0}}};
    Stereo<Signal> alone;
    VectorisedConvolver(scene.responses[0])
        .run(reader_of(scene.sources[0]), [&](Stereo<std::span<const float>> frames) {
          for (const Side side : kSides) {
            alone[side].insert(alone[side].end(), frames[side].begin(), frames[side].end());
          }
        });
    const Stereo<Signal> wet = render(scene);
    EXPECT_TRUE(wet.left == alone.left) << N << ", " << K;
    EXPECT_TRUE(wet.right == alone.right) << N << ", " << K;
  }
}

TEST(CpuVoices, AgreesWithTheDefinition) {
  for (const std::size_t V : {1, 2, 3, 17}) {
    for (const auto& [N, K] :
         {std::pair(1, 1), {2, 9}, {500, 300}, {20'000, 700}, {60'000, 40'000}, {300'000, 500}}) {
      expect_scene(scene_of(V, static_cast<std::size_t>(N), static_cast<std::size_t>(K)));
    }
  }
}

TEST(CpuVoices, AgreesWithTheDefinitionInLongWindowsAndPartitions) {
  expect_scene(scene_of(3, 400'000, 70'000));
  expect_scene(scene_of(2, 400'000, 600'000));
}

TEST(CpuVoices, SumsManyVoicesMoreThanOneTimeAtATime) {
  Scene scene = scene_of(40, 3000, 200);
  expect_scene(scene);
  // A voice heard twice is twice as loud: the sum of both has no rounding of its own.
  scene.voices.assign(2, {7, 7});
  const Stereo<Signal> twice = render(scene);
  scene.voices.assign(1, {7, 7});
  const Stereo<Signal> once = render(scene);
  const ErrorBound bound = transform_bound(2 * 4096, 2);
  double difference = 0;
  double energy = 0;
  for (std::size_t n = 0; n < once.left.size(); ++n) {
    difference += std::pow(double{twice.left[n]} - 2.0 * once.left[n], 2);
    energy += std::pow(2.0 * once.left[n], 2);
  }
  EXPECT_LT(std::sqrt(difference), bound.relative * std::sqrt(energy));
}

// Their rounding errors are the same and do not cancel.
TEST(CpuVoices, KeepsTheBoundForIdenticalVoices) {
  for (const std::size_t V : {2, 64, 1000}) {
    Scene scene{{noise(700, 1)}, {0}, {any_room(300)}, std::vector<Voice>(V)};
    expect_scene(scene);
  }
}

TEST(CpuVoices, FadesFromOneResponseToTheNext) {
  for (const auto& [N, K, steps, ramp] : {std::tuple(5000, 128, 5, 200),
                                          {5000, 128, 100, 20},
                                          {50'000, 512, 30, 1000},
                                          {300'000, 512, 200, 700},
                                          {200'000, 30'000, 7, 5000},
                                          {400'000, 70'000, 5, 1},
                                          {900'000, 600'000, 3, 4000}}) {
    expect_scene(
        moving_scene(static_cast<std::size_t>(N), static_cast<std::size_t>(K), steps, ramp));
  }
}

TEST(CpuVoices, RampsBetweenEqualResponsesChangeNothing) {
  Scene scene = moving_scene(50'000, 300, 20, 500);
  for (Stereo<Signal>& response : scene.responses) response = any_room(300);
  const Scene whole{scene.sources, {0}, {any_room(300)}, {{0, 0}}};
  const VoicesConvolver convolver = convolver_of(scene);
  const Stereo<Signal> wet = render(scene);
  EXPECT_TRUE(
      is_close(wet.left, reference(whole, Side::left), bound(scene, convolver.plan()), false));
}

TEST(CpuVoices, WritesUntilTheLatestSourceEnds) {
  Scene scene = scene_of(2, 1000, 50);
  scene.starts = {0, 40'000};  // silence between
  expect_scene(scene);
  scene.voices.pop_back();  // nobody hears the later one
  EXPECT_EQ(std::ssize(render(scene).left), scene.length() + 49);
  expect_scene(scene);
  scene.voices.clear();
  EXPECT_EQ(render(scene).left, Signal(static_cast<std::size_t>(scene.length() + 49)));
}

TEST(CpuVoices, WritesNothingWithoutASample) {
  Scene scene = scene_of(2, 1000, 50);
  scene.sources = {{}, {}};
  EXPECT_TRUE(render(scene).left.empty());
  scene.sources[0] = {1.0F};
  expect_scene(scene);
}

TEST(CpuVoices, AVoiceOutsideItsSourceIsSilent) {
  Scene scene = scene_of(1, 5000, 300);
  scene.voices[0] = {.begin = 5001, .end = 9000, .fade_in = 10, .fade_out = 10};
  EXPECT_EQ(render(scene).left, Signal(5300));
  scene.voices[0] = {.begin = 4990, .end = 9000, .fade_in = 10, .fade_out = 10};
  expect_scene(scene);
  scene.voices[0] = {.begin = 17, .end = 18};
  expect_scene(scene);
}

TEST(CpuVoices, KeepsASilentEarSilentAndTheOtherUntouched) {
  Scene scene = scene_of(3, 5000, 700);
  const Stereo<Signal> both = render(scene);
  for (Stereo<Signal>& response : scene.responses) std::ranges::fill(response.left, 0.0F);
  const Stereo<Signal> wet = render(scene);
  EXPECT_EQ(wet.left, Signal(both.left.size()));
  EXPECT_TRUE(wet.right == both.right);
}

TEST(CpuVoices, GivesTheSameBytesOnAnyNumberOfThreads) {
  for (const Scene& scene :
       {scene_of(3, 300'000, 300), scene_of(5, 300'000, 20'000), scene_of(2, 400'000, 600'000),
        moving_scene(300'000, 512, 100, 600), moving_scene(400'000, 70'000, 5, 4000)}) {
    const Stereo<Signal> one = render(scene, 1);
    for (const int threads : {0, 2, 3, 8, 40}) {
      const Stereo<Signal> wet = render(scene, threads);
      EXPECT_TRUE(wet.left == one.left) << threads;
      EXPECT_TRUE(wet.right == one.right) << threads;
    }
  }
}

TEST(CpuVoices, MakesAResponseWhenItIsHeardAndNotBefore) {
  const Scene scene = moving_scene(400'000, 512, 50, 600);
  std::vector<int> made(scene.responses.size());
  std::int64_t written = 0;
  const std::int64_t step = 400'000 / 50;
  SceneResponses responses = scene.made_responses();
  responses.load = [&](std::size_t i) {
    ++made[i];
    EXPECT_LT(static_cast<std::int64_t>(i) * step, written + 4 * 65536 + 3 * step);
    return std::make_shared<const Stereo<Signal>>(scene.responses[i]);
  };
  VoicesConvolver(responses, scene.voices, scene.length())
      .run(
          readers_of(scene),
          [&](Stereo<std::span<const float>> frames) { written += std::ssize(frames.left); }, 1);
  EXPECT_EQ(made, std::vector<int>(made.size(), 1));
}

TEST(CpuVoices, PlansASceneOfOneWholeVoiceAsItsMethod) {
  const Voice whole;
  for (const std::int64_t N : {1, 1000, 200'000, 10'000'000}) {
    for (const std::int64_t K : {1, 512, 70'000, 2'000'000}) {
      EXPECT_EQ(VectorisedConvolver::plan(N, K, {&whole, 1}).half,
                VectorisedConvolver::plan(N, K).half);
    }
  }
}

TEST(CpuVoices, CarriesAnExceptionOfASourceTheSinkOrAResponse) {
  const Scene scene = scene_of(2, 300'000, 300);
  const VoicesConvolver convolver = convolver_of(scene);
  std::vector<SceneSource> broken = readers_of(scene);
  int reads = 0;
  broken[1].read = [&](std::span<float> block) {
    if (++reads == 12) throw std::runtime_error("the disc is gone");
    std::ranges::fill(block, 0.5F);
    return block.size();
  };
  EXPECT_THROW(render(convolver, broken), std::runtime_error);
  EXPECT_THROW(convolver.run(readers_of(scene),
                             [](Stereo<std::span<const float>>) {
                               throw std::runtime_error("the disc is full");
                             }),
               std::runtime_error);
  SceneResponses missing = scene.made_responses();
  missing.load = [](std::size_t) -> std::shared_ptr<const Stereo<Signal>> {
    throw std::runtime_error("no such direction");
  };
  EXPECT_THROW(render(VoicesConvolver(missing, scene.voices, scene.length()), readers_of(scene)),
               std::runtime_error);
}

TEST(CpuVoices, RefusesVoicesWithoutSourceOrResponseAndRampsThatOverlap) {
  const Scene scene = scene_of(2, 1000, 30);
  const auto make = [&](Voice voice) {
    return VoicesConvolver(scene.made_responses(), {voice}, 1000);
  };
  EXPECT_THROW(make({.response = 2}), std::invalid_argument);
  EXPECT_THROW(make({.begin = 10, .end = 20, .fade_in = 6, .fade_out = 5}), std::invalid_argument);
  EXPECT_THROW(render(make({.source = 2}), readers_of(scene)), std::invalid_argument);
  SceneResponses wrong = scene.made_responses();
  wrong.longest = 3;
  EXPECT_THROW(render(VoicesConvolver(wrong, scene.voices, 1000), readers_of(scene)),
               std::invalid_argument);
}

}  // namespace
}  // namespace gpuconv::test
