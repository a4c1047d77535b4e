#include "host/render/moving_voices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <set>

#include "host/base/noise.hpp"
#include "host/methods/method.hpp"
#include "host/render/scene_renderer.hpp"
#include "tests/support/files.hpp"
#include "tests/support/reference.hpp"
#include "tests/support/smooth_head.hpp"

namespace gpuconv::test {
namespace {

constexpr int kRate = 16'000;

using Ears = Stereo<std::vector<double>>;

/// y[n] = sum_k h_n-k[k] x[n-k] in double: each sample of the source through the response of its
/// own moment, which is the sum of those that are heard then.
Ears by_definition(const MovingVoices& moving, const Signal& source) {
  const auto K = static_cast<std::size_t>(moving.responses.longest);
  Ears wet;
  for (const Side side : kSides) wet[side].resize(source.size() + K - 1);
  for (const Voice& voice : moving.voices) {
    const auto taps = moving.responses.load(voice.response);
    const std::int64_t end = std::min(voice.end, std::ssize(source));
    for (std::int64_t n = voice.begin; n < end; ++n) {
      const auto from = static_cast<std::size_t>(n);
      const double sample = gain_of(voice, n) * source[from];
      for (const Side side : kSides) {
        for (std::size_t k = 0; k < K; ++k) wet[side][from + k] += sample * (*taps)[side][k];
      }
    }
  }
  return wet;
}

Ears rendered(const MovingVoices& moving, const Signal& source, const std::string& method) {
  const auto renderer = make_scene_renderer(find_method(method), moving.responses, moving.voices,
                                            std::ssize(source), 0);
  std::size_t read = 0;
  const SceneSource all{[&](std::span<float> block) {
                          const std::size_t count = std::min(block.size(), source.size() - read);
                          std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(read), count,
                                      block.begin());
                          read += count;
                          return count;
                        },
                        0};
  Ears wet;
  renderer->run({&all, 1}, [&](Stereo<std::span<const float>> frames) {
    for (const Side side : kSides) {
      wet[side].insert(wet[side].end(), frames[side].begin(), frames[side].end());
    }
  });
  return wet;
}

class MovingVoicesTest : public ::testing::Test {
 protected:
  MovingVoicesTest() { write_sofa(path_, SmoothHead{}.sofa(rings(10, -20, 20, 10))); }

  MovingVoices move(const Motion& motion, std::int64_t length, int rate = kRate,
                    Interpolation interpolation = Interpolation::neighbours,
                    const StepLimits& limits = {}) const {
    ResponseOptions options;
    options.sofa.interpolation = interpolation;
    return moving_voices(path_, options, motion, length, rate, limits);
  }

  const Folder folder_;
  const std::string path_ = folder_.file("head.sofa");
};

Motion turn(double from, double to, double seconds) {
  return {{}, Track{{{0, {from, 0, 0}}, {seconds, {to, 0, 0}}}, false, ""}, std::nullopt};
}

/// The most by which the gains of all voices differ from 1 in sum.
double worst_sum(const std::vector<Voice>& voices, std::int64_t length) {
  std::vector<double> sum(static_cast<std::size_t>(length));
  for (const Voice& voice : voices) {
    for (std::int64_t n = voice.begin; n < std::min(voice.end, length); ++n) {
      sum[static_cast<std::size_t>(n)] += gain_of(voice, n);
    }
  }
  double worst = 0;
  for (const double gain : sum) worst = std::max(worst, std::abs(gain - 1));
  return worst;
}

TEST_F(MovingVoicesTest, AddUpToTheSourceAtAllTimes) {
  const std::int64_t length = 5 * kRate + 123;
  Motion motion;
  motion.source = Track{{{0.5, {0, 0, 0}},
                         {1, {31.7, 5, 0}},
                         {1.5, {31.7, 5, 0}},
                         {1.501, {200, 0, 0}},
                         {3, {90, -20, 0}}},
                        false,
                        ""};
  for (const Interpolation how : {Interpolation::neighbours, Interpolation::nearest}) {
    for (const int rate : {8'000, kRate, 44'100}) {
      const MovingVoices moving = move(motion, length, rate, how);
      EXPECT_GT(moving.voices.size(), 5U);
      EXPECT_LT(worst_sum(moving.voices, length), 1e-12);
      check_voices(moving.voices, moving.responses.count);
      EXPECT_EQ(moving.voices.back().end, kForever);
      for (std::size_t i = 0; i < moving.responses.count; ++i) {
        const auto taps = moving.responses.load(i);
        EXPECT_EQ(std::ssize(taps->left), moving.responses.longest);
        EXPECT_EQ(std::ssize(taps->right), moving.responses.longest);
      }
    }
  }
}

TEST_F(MovingVoicesTest, AreOneForASourceThatRests) {
  const MovingVoices moving = move({{{10, 0}, 0}, std::nullopt, std::nullopt}, kRate);
  ASSERT_EQ(moving.voices.size(), 1U);
  EXPECT_TRUE(is_whole(moving.voices[0]));
  EXPECT_EQ(moving.latency_frames, 0);
  SofaOptions options;
  options.azimuth = 10;
  options.elevation = 0;
  EXPECT_EQ(moving.responses.load(0)->left, load_response(path_, {options}).taps.left);
  // Of an empty source there is a voice, too.
  EXPECT_EQ(move(turn(0, 90, 3), 0).voices.size(), 1U);
  EXPECT_EQ(move(turn(0, 90, 3), 1).voices.size(), 2U);
}

TEST_F(MovingVoicesTest, ShareTheResponsesOfEqualDirections) {
  const MovingVoices moving = move(turn(0, 1800, 60), 60 * kRate);
  EXPECT_EQ(moving.voices.size(), 901U);
  EXPECT_EQ(moving.responses.count, 180U);
  // And at a speed that is not a whole number of frames.
  EXPECT_EQ(move(turn(0, 1800, 58.765), 60 * kRate).responses.count, 180U);
}

TEST_F(MovingVoicesTest, SwitchInShortFadesBetweenTheNearest) {
  const MovingVoices moving = move(turn(0, 40, 40), 60 * kRate, kRate, Interpolation::nearest);
  ASSERT_EQ(moving.voices.size(), 5U);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(moving.voices[i].fade_in, kRate / 50);
    // Half-way between two measurements, to a step.
    EXPECT_NEAR(static_cast<double>(moving.voices[i].begin),
                (10.0 * static_cast<double>(i) - 5) * kRate, 2 * kRate);
  }
  EXPECT_EQ(moving.latency_frames, 0);
}

TEST_F(MovingVoicesTest, SoundAsTheDefinitionSays) {
  const Signal source = noise(2 * kRate, 3);
  const MovingVoices moving = move(turn(-60, 60, 1.5), std::ssize(source));
  const Ears truth = by_definition(moving, source);
  for (const char* const method : {"cpu-vectorised", "cpu-cooley-tukey"}) {
    const Ears wet = rendered(moving, source, method);
    for (const Side side : kSides) {
      ASSERT_EQ(wet[side].size(), truth[side].size());
      double error = 0;
      double power = 0;
      for (std::size_t n = 0; n < truth[side].size(); ++n) {
        error += std::pow(wet[side][n] - truth[side][n], 2);
        power += std::pow(truth[side][n], 2);
      }
      EXPECT_LT(std::sqrt(error / power), 1e-6) << method;
    }
  }
}

// ---- by the spectrum ---------------------------------------------------------------------------

constexpr std::size_t kSamples = 4 * kRate;
constexpr double kPerBin = static_cast<double>(kRate) / kSamples;

Signal tone(double hertz) {
  Signal source(kSamples);
  for (std::size_t n = 0; n < source.size(); ++n) {
    source[n] = static_cast<float>(
        0.5 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(n) / kRate));
  }
  return source;
}

/// Levels by frequency of what is heard while the source sounds: a Blackman-Harris window, whose
/// side lobes are below -92 dB.
std::vector<double> levels(const std::vector<double>& wet) {
  std::vector<std::complex<double>> windowed(kSamples);
  for (std::size_t n = 0; n < kSamples; ++n) {
    const double a = 2 * std::numbers::pi * (static_cast<double>(n) + 0.5) / kSamples;
    windowed[n] = wet[n] * (0.35875 - 0.48829 * std::cos(a) + 0.14128 * std::cos(2 * a) -
                            0.01168 * std::cos(3 * a));
  }
  std::vector<double> result;
  for (const auto& bin : reference_transform(windowed, -1)) {
    result.push_back(20 * std::log10(std::abs(bin) + 1e-30));
  }
  result.resize(kSamples / 2);
  return result;
}

/// Of one sound beside the truth: the most by which sidebands differ that truly are within 50 dB of
/// the tone, and the loudest of the others below it, both in dB.
struct Sidebands {
  double worst = 0;
  double others = -400;
};

Sidebands sidebands(const std::vector<double>& one, const std::vector<double>& truth) {
  const double carrier = *std::ranges::max_element(truth);
  Sidebands result;
  for (std::size_t bin = 0; bin < truth.size(); ++bin) {
    if (truth[bin] > carrier - 50) {
      result.worst = std::max(result.worst, std::abs(one[bin] - truth[bin]));
    } else {
      result.others = std::max(result.others, one[bin] - carrier);
    }
  }
  return result;
}

/// The loudest of what is more than 400 Hz away from the tone, in dB below it.
double splatter(const std::vector<double>& one, double hertz) {
  const double carrier = *std::ranges::max_element(one);
  double loudest = -400;
  for (std::size_t bin = 0; bin < one.size(); ++bin) {
    if (std::abs(static_cast<double>(bin) * kPerBin - hertz) > 400) {
      loudest = std::max(loudest, one[bin] - carrier);
    }
  }
  return loudest;
}

/// The movement itself: a new direction every 0.05 degrees.
constexpr StepLimits kContinuous{.degrees = 0.05, .seconds = 0.0005};

TEST_F(MovingVoicesTest, GiveAToneTheSidebandsOfAContinuousTurn) {
  const Motion motion = turn(-20, 20, 4);
  const MovingVoices moving = move(motion, kSamples);
  const MovingVoices continuous =
      move(motion, kSamples, kRate, Interpolation::neighbours, kContinuous);
  EXPECT_GT(continuous.voices.size(), 20 * moving.voices.size());
  const MovingVoices nearest = move(motion, kSamples, kRate, Interpolation::nearest);
  for (const double hertz : {500.0, 2000.0, 4000.0}) {
    const Ears truth = by_definition(continuous, tone(hertz));
    const Ears wet = rendered(moving, tone(hertz), "cpu-vectorised");
    const Ears jumping = rendered(nearest, tone(hertz), "cpu-vectorised");
    for (const Side side : kSides) {
      const Sidebands ours = sidebands(levels(wet[side]), levels(truth[side]));
      EXPECT_LT(ours.worst, 1) << hertz;
      // Steps of 2 degrees, 5 in a second: what they add, 5 Hz beside the tone.
      EXPECT_LT(ours.others, hertz < 1000 ? -47 : hertz < 3000 ? -35 : -28) << hertz;
      // The same test finds a source that jumps from measurement to measurement.
      EXPECT_GT(sidebands(levels(jumping[side]), levels(truth[side])).worst, 6) << hertz;
    }
  }
}

TEST_F(MovingVoicesTest, DoNotClick) {
  const MovingVoices moving = move(turn(-60, 60, 4), kSamples);
  MovingVoices hard = moving;
  for (Voice& voice : hard.voices) {  // the same directions without fades
    const int in = voice.fade_in;
    const int out = voice.fade_out;
    voice.fade_in = voice.fade_out = 0;
    voice.begin += in / 2;
    if (voice.end < kForever) voice.end -= out - out / 2;
  }
  EXPECT_LT(worst_sum(hard.voices, kSamples), 1e-12);
  for (const double hertz : {500.0, 2000.0, 4000.0}) {
    const Ears wet = rendered(moving, tone(hertz), "cpu-vectorised");
    const Ears clicking = rendered(hard, tone(hertz), "cpu-vectorised");
    for (const Side side : kSides) {
      EXPECT_LT(splatter(levels(wet[side]), hertz), -110) << hertz;
      EXPECT_GT(splatter(levels(clicking[side]), hertz), -70) << hertz;
    }
  }
}

TEST_F(MovingVoicesTest, FindVoicesThatLeaveTheirPlace) {
  const Signal source = noise(kRate, 4);
  const MovingVoices moving = move(turn(0, 30, 1), std::ssize(source));
  MovingVoices late = moving;
  late.voices[5].begin += 1;
  EXPECT_GT(worst_sum(late.voices, std::ssize(source)), 1e-4);
  MovingVoices mixed_up = moving;
  std::swap(mixed_up.voices[4].response, mixed_up.voices[5].response);
  const Ears truth = by_definition(moving, source);
  const Ears wet = rendered(mixed_up, source, "cpu-vectorised");
  double worst = 0;
  for (std::size_t n = 0; n < truth.left.size(); ++n) {
    worst = std::max(worst, std::abs(wet.left[n] - truth.left[n]));
  }
  EXPECT_GT(worst, 1e-3);
}

TEST_F(MovingVoicesTest, WarnBeyondWhatWasMeasured) {
  Motion motion = turn(0, 10, 1);
  motion.source->rows[1].values[1] = 80;
  const MovingVoices moving = move(motion, 2 * kRate);
  ASSERT_EQ(moving.warnings.size(), 1U);
  EXPECT_TRUE(says(moving.warnings[0], {"60 degrees beyond"}));
  EXPECT_TRUE(move(turn(0, 90, 1), kRate).warnings.empty());
}

TEST_F(MovingVoicesTest, NeedASofaFile) {
  const std::string path = float_wav(folder_, "room.wav", 2, {1, 1});
  EXPECT_TRUE(
      says(message_of<UsageError>([&] { moving_voices(path, {}, turn(0, 90, 1), kRate, kRate); }),
           {path, "SOFA"}));
}

// A room's set in which the head was turned: its views are the directions that the head sees.
TEST_F(MovingVoicesTest, TurnTheHeadThroughTheViewsOfASet) {
  const std::string path = folder_.file("room.sofa");
  SyntheticHead head;
  head.kind = SyntheticHead::Kind::turning_head;
  write_sofa(path, sofa_of(head));
  Motion motion;
  motion.head = Track{{{0, {0, 0, 0}}, {1, {60, 0, 0}}}, false, ""};
  ResponseOptions options;
  options.sofa.interpolation = Interpolation::nearest;
  const MovingVoices moving = moving_voices(path, options, motion, kRate, kRate);
  ASSERT_EQ(moving.responses.count, 5U);
  // The head has turned to the left, so that the source is at its right: azimuth -60.
  SofaOptions asked;
  asked.azimuth = -60;
  EXPECT_EQ(moving.responses.load(4)->right, load_response(path, {asked}).taps.right);
}

}  // namespace
}  // namespace gpuconv::test
