// gpu_scene_renderer_test.cpp - scenes through blocks, groups and slots
//
// Block lengths are made small here, so that a short scene takes many blocks.
#include "host/render/gpu_scene_renderer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

#include "cuda/methods/voices.hpp"
#include "cuda/runtime/device.hpp"
#include "host/base/error.hpp"
#include "tests/support/closeness.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scene.hpp"

#ifdef GPUCONV_EMULATED
#include "tests/emulation/emulation.hpp"
#endif

namespace gpuconv::test {
namespace {

struct SceneMethod {
  const char* name;
  PlanVoices* plan;
};

Stereo<Signal> frames_of(SceneRenderer& renderer, std::span<const SceneSource> sources,
                         RenderReport* report = nullptr) {
  Frames frames;
  const RenderReport seen = renderer.run(sources, std::ref(frames));
  if (report != nullptr) *report = seen;
  EXPECT_EQ(std::ssize(frames.wet.left), seen.frames);
  return frames.wet;
}

/// V sources of different lengths and starts, each with a response of its own.
Scene talkers(std::size_t V, std::size_t N, std::size_t K) {
  Scene scene;
  for (std::size_t v = 0; v < V; ++v) {
    scene.sources.push_back(noise(1 + N * (v + 1) / V, 10 * v + 1));
    scene.starts.push_back(static_cast<std::int64_t>(v * N / 7));
    const std::size_t taps = 1 + (K - 1) * (V - v) / V;
    scene.responses.push_back({noise(taps, 10 * v + 2), noise(taps, 10 * v + 3)});
    scene.voices.push_back({v, v});
  }
  return scene;
}

/// See tests/support/scene.hpp.
Scene walker(std::size_t N, std::size_t K, int steps, int ramp) {
  return moving_scene(noise(N, 1), 5, steps, ramp, [K](std::uint64_t seed) {
    return Stereo<Signal>{noise(K, seed), noise(K, seed + 1)};
  });
}

class SceneBlocks : public ::testing::TestWithParam<SceneMethod> {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  }

  /// Of at most `block` frames a block.
  static std::unique_ptr<SceneRenderer> renderer_of(const Scene& scene, std::int64_t block,
                                                    const VoiceMemory& memory) {
    return make_gpu_scene_renderer(GetParam().plan, scene.made_responses(), scene.voices, block, 0,
                                   memory);
  }
  static Stereo<Signal> render(const Scene& scene, std::int64_t block,
                               const VoiceMemory& memory = {.slots = 8}) {
    return frames_of(*renderer_of(scene, block, memory), readers_of(scene));
  }

  /// 1.5 u sqrt(2 log2 L + V/2) of the Fourier methods is at least this for L >= 64; the direct
  /// ones are better with so few taps. Neighbouring blocks add one more rounding.
  static void expect_right(const Scene& scene, std::int64_t block) {
    const double V = static_cast<double>(scene.voices.size());
    const double relative = (1.5 * std::sqrt(2 * 6 + V / 2) + 1) * 0x1p-24;
    const Stereo<Signal> wet = render(scene, block);
    for (const Side side : kSides) {
      EXPECT_TRUE(is_close(wet[side], reference(scene, side), {relative, relative}, false))
          << name(side) << " ear, " << V << " voices, " << scene.length() << " frames in blocks of "
          << block;
    }
  }
};

TEST_P(SceneBlocks, AgreeWithTheDefinition) {
  for (const std::size_t V : {1u, 2u, 5u}) {
    for (const std::size_t N : {1u, 60u, 700u}) {
      for (const std::size_t K : {1u, 90u, 350u}) {
        for (const std::int64_t block : {100, 5000}) expect_right(talkers(V, N, K), block);
      }
    }
  }
}

TEST_P(SceneBlocks, FadeFromOneResponseToTheNext) {
  for (const int steps : {2, 7, 40}) expect_right(walker(1000, 80, steps, 20), 100);
  expect_right(walker(1000, 80, 5, 150), 5000);
}

TEST_P(SceneBlocks, HearNothingOfVoicesOutsideTheirSource) {
  Scene scene = talkers(3, 500, 60);
  scene.starts = {0, 1500, 700};
  scene.sources[2].clear();             // a source without a sample
  scene.voices.push_back({0, 1, 900});  // begins after its source has ended
  scene.voices.push_back({1, 0, 0, 1500});
  std::ranges::fill(scene.responses[0].right, 0.0F);
  expect_right(scene, 100);
  const Stereo<Signal> wet = render(scene, 100);
  EXPECT_EQ(std::ranges::count(std::span(wet.left).subspan(600, 800), 0.0F), 800);
  EXPECT_EQ(std::ranges::count(std::span(wet.right).first(1500), 0.0F), 1500);

  const Scene silence{{Signal(), Signal()}, {0, 30}, {scene.responses[0]}, {{0, 0}, {1, 0}}};
  EXPECT_EQ(render(silence, 100).left.size(), 0u);
  Scene unheard = talkers(1, 250, 60);
  unheard.voices.clear();
  EXPECT_EQ(render(unheard, 100).left, Signal(static_cast<std::size_t>(unheard.length()) + 59));
}

TEST_P(SceneBlocks, GiveTheSameBytesWithAnySlotsAndScratch) {
  for (const Scene& scene : {talkers(5, 700, 90), walker(900, 80, 12, 30)}) {
    const Stereo<Signal> expected = render(scene, 100, {.slots = 12});
    for (const VoiceMemory& memory : {VoiceMemory{.slots = 1}, VoiceMemory{.slots = 3},
                                      VoiceMemory{.slots = 12, .response_bytes = 1},
                                      VoiceMemory{.slots = 12, .scratch_bytes = 1},
                                      VoiceMemory{.slots = 2, .scratch_bytes = 10'000}}) {
      const Stereo<Signal> wet = render(scene, 100, memory);
      ASSERT_EQ(wet.left, expected.left) << memory.slots << ", " << memory.scratch_bytes;
      ASSERT_EQ(wet.right, expected.right) << memory.slots << ", " << memory.scratch_bytes;
    }
  }
}

TEST_P(SceneBlocks, AddUpToTheWholeWhereGainsDo) {
  Scene scene = talkers(1, 900, 60);
  const Stereo<Signal> whole = render(scene, 100);
  scene.voices = {{0, 0, 0, 500, 0, 150}, {0, 0, 350, kForever, 150, 0}};
  const Stereo<Signal> halves = render(scene, 100);
  for (std::size_t n = 0; n < whole.left.size(); ++n) {
    ASSERT_NEAR(halves.left[n], whole.left[n], 2e-5) << n;
  }
}

/// Their errors are alike, and add up as their sounds do.
TEST_P(SceneBlocks, KeepTheBoundWithIdenticalVoices) {
  for (const std::size_t V : {2u, 16u, 300u}) {
    Scene scene = talkers(1, 300, 60);
    scene.voices.assign(V, {0, 0});
    expect_right(scene, 1000);
  }
}

TEST_P(SceneBlocks, LoadAResponseWhenItIsHeardAndOnceIfThereAreSlots) {
  const Scene walk = walker(1200, 50, 12, 20);
  const auto loads = [](const Scene& scene, int slots) {
    std::vector<int> count(scene.responses.size());
    SceneResponses responses = scene.made_responses();
    responses.load = [&, load = responses.load](std::size_t i) {
      ++count[i];
      return load(i);
    };
    const auto renderer =
        make_gpu_scene_renderer(GetParam().plan, responses, scene.voices, 100, 0, {.slots = slots});
    EXPECT_EQ(std::ranges::count(count, 0), 12) << "before the first block";
    frames_of(*renderer, readers_of(scene));
    return count;
  };
  const std::vector<int> once(12, 1);
  EXPECT_EQ(loads(walk, 12), once);
  EXPECT_EQ(loads(walk, 2), once) << "of a walk, few are heard at a time";
  const Scene all = talkers(12, 500, 50);
  EXPECT_EQ(loads(all, 12), once);
  const std::vector<int> often = loads(all, 3);
  EXPECT_EQ(std::ranges::min(often), 1) << "those that stay";
  EXPECT_GT(std::ranges::max(often), 1);
}

TEST_P(SceneBlocks, RenderTwiceAndAfterAFailure) {
  const Scene scene = talkers(3, 700, 90);
  const auto renderer = renderer_of(scene, 100, {.slots = 3});
  const Stereo<Signal> first = frames_of(*renderer, readers_of(scene));
  for (const int failing : {0, 1, 4}) {
    std::vector<SceneSource> sources = readers_of(scene);
    sources[1].read = [&, read = sources[1].read, call = 0](std::span<float> block) mutable {
      if (call++ == failing) throw FileError("file", "is broken");
      return read(block);
    };
    Frames frames;
    EXPECT_THROW(renderer->run(sources, std::ref(frames)), FileError) << failing;
    int written = 0;
    const auto fail = [&](Stereo<std::span<const float>>) {
      if (written++ == failing) throw FileError("output", "is full");
    };
    EXPECT_THROW(renderer->run(readers_of(scene), fail), FileError) << failing;
    const Stereo<Signal> again = frames_of(*renderer, readers_of(scene));
    ASSERT_EQ(again.left, first.left) << failing;
    ASSERT_EQ(again.right, first.right) << failing;
  }
}

TEST_P(SceneBlocks, FindThePeakOfAllFrames) {
  const Scene scene = talkers(3, 700, 90);
  RenderReport report;
  const Stereo<Signal> wet =
      frames_of(*renderer_of(scene, 100, {.slots = 3}), readers_of(scene), &report);
  EXPECT_EQ(report.source_samples, scene.length());
  ASSERT_TRUE(report.device_levels);
  for (const Side side : kSides) {
    float peak = 0;
    for (const float sample : wet[side]) peak = std::max(peak, std::abs(sample));
    EXPECT_EQ((*report.device_levels)[side].peak, peak) << name(side);
  }
}

INSTANTIATE_TEST_SUITE_P(, SceneBlocks,
                         ::testing::Values(SceneMethod{"gpu_direct", plan_voices_direct},
                                           SceneMethod{"gpu_tiled", plan_voices_tiled},
                                           SceneMethod{"gpu_radix2", plan_voices_radix2},
                                           SceneMethod{"gpu_cufft", plan_voices_cufft},
                                           SceneMethod{"gpu_fourstep", plan_voices_fourstep},
                                           SceneMethod{"gpu_fused", plan_voices_fused}),
                         [](const auto& parameter) { return parameter.param.name; });

class SceneOnGpu : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }
};

std::unique_ptr<SceneRenderer> scene_renderer(const Method& method, const Scene& scene) {
  return make_gpu_scene_renderer(method, scene.made_responses(), scene.voices, scene.length(), 0);
}

TEST_P(SceneOnGpu, OneWholeVoiceHasTheBytesOfItsMethod) {
  for (const auto& [N, K] : {std::pair(1, 1), {300, 20}, {5000, 300}, {20, 3000}, {70'000, 3}}) {
    const Scene scene{
        {noise(static_cast<std::size_t>(N), 1)},
        {0},
        {{noise(static_cast<std::size_t>(K), 2), noise(static_cast<std::size_t>(K), 3)}},
        {{0, 0}}};
    const Stereo<Signal> alone = run(*GetParam(), scene.sources[0], scene.responses[0]);
    const Stereo<Signal> wet = frames_of(*scene_renderer(*GetParam(), scene), readers_of(scene));
    EXPECT_TRUE(wet.left == alone.left) << N << ", " << K;
    EXPECT_TRUE(wet.right == alone.right) << N << ", " << K;
  }
}

/// E <= 1.5 u sqrt(2 log2 L + V/2) with sum_v ||x_v|| ||h_v|| for ||x|| ||h||; for the direct
/// methods theirs, and half an u for each sum of two voices.
TEST_P(SceneOnGpu, KeepsTheErrorBoundOfItsVoices) {
  for (const auto& [V, N, K] :
       {std::tuple(1, 700, 60), {2, 3000, 300}, {5, 9000, 1000}, {40, 500, 90}}) {
    for (const bool is_same : {false, true}) {
      Scene scene = talkers(static_cast<std::size_t>(V), static_cast<std::size_t>(N),
                            static_cast<std::size_t>(K));
      if (is_same) scene.voices.assign(scene.voices.size(), {0, 0});
      const Method& method = *GetParam();
      ErrorBound bound = direct_error_bound(K);
      bound.relative += V / 2.0 * kUnit;
      if (!method.is_direct) {
        const std::int64_t L = method.transform(scene.length(), K).length;
        bound = transform_error_bound({L, V}, scene.length(), K);
      }
      bound.peak = bound.relative;
      const Stereo<Signal> wet = frames_of(*scene_renderer(method, scene), readers_of(scene));
      for (const Side side : kSides) {
        EXPECT_TRUE(is_close(wet[side], reference(scene, side), bound, false))
            << name(side) << " ear, " << V << (is_same ? " identical" : "") << " voices, " << N
            << " samples, " << K << " taps";
      }
    }
  }
}

TEST_P(SceneOnGpu, SaysWhatDoesNotFit) {
  Scene scene = talkers(2, 300, 50);
  SceneResponses responses = scene.made_responses();
  responses.longest = GetParam()->longest_response + 1;
  EXPECT_THROW(make_gpu_scene_renderer(*GetParam(), responses, scene.voices, 300, 0), GpuError);
  limit_gpu_memory(10'000);
  EXPECT_THROW(scene_renderer(*GetParam(), scene), GpuError);
  limit_gpu_memory(std::numeric_limits<std::size_t>::max());
  scene.voices[1].source = 2;
  const auto renderer = scene_renderer(*GetParam(), scene);
  Frames frames;
  EXPECT_THROW(renderer->run(readers_of(scene), std::ref(frames)), std::invalid_argument);
  scene.voices[1].response = 2;
  EXPECT_THROW(scene_renderer(*GetParam(), scene), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(, SceneOnGpu, ::testing::ValuesIn([] {
                           std::vector<const Method*> all;
                           for (const Method& method : methods()) {
                             if (method.processor == Processor::gpu) all.push_back(&method);
                           }
                           return all;
                         }()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

#ifdef GPUCONV_EMULATED
/// Of sources that are heard now and then, the silence costs no transform.
TEST(SceneLaunches, CostOnlyWhatIsHeard) {
  const auto threads = [](const Scene& scene) {
    const auto renderer = scene_renderer(find_method("gpu-fused"), scene);
    emulation::forget();
    frames_of(*renderer, readers_of(scene));
    return emulation::threads();
  };
  Scene scene = talkers(4, 60'000, 60);
  scene.starts.assign(4, 0);
  const auto all = threads(scene);
  for (Voice& voice : scene.voices) voice.end = 40;
  EXPECT_LT(threads(scene), all / 3);
}
#endif

}  // namespace
}  // namespace gpuconv::test
