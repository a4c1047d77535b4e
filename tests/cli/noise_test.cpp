// noise_test.cpp - --noise and --snr: what was added, measured in double
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>

#include "tests/support/heard.hpp"
#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

class NoiseOption : public Program {
 protected:
  /// What was added to the wet sound: the output less the output without noise.
  Heard added(const std::vector<std::string>& options,
              const std::vector<std::string>& without = {}) const {
    std::vector<std::string> quiet = without;
    quiet.insert(quiet.end(), {"-q", "-g", "-40"});
    EXPECT_EQ(render(source_, room_, quiet).exit_code, 0);
    const Heard clean = heard(wet());
    quiet.insert(quiet.end(), options.begin(), options.end());
    const Outcome outcome = render(source_, room_, quiet);
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.exit_code, 0);
    Heard noisy = heard(wet());
    EXPECT_EQ(noisy.samples[0].size(), clean.samples[0].size());
    for (std::size_t c = 0; c < noisy.samples.size(); ++c) {
      for (std::size_t n = 0; n < noisy.samples[c].size(); ++n) {
        noisy.samples[c][n] -= clean.samples[c][n];
      }
    }
    clean_db_ = rms_db(clean);
    return noisy;
  }

  /// The factor of the noise follows from the ratio, and each sample from its frame in the file.
  void expect_noise(const Heard& got, const std::vector<std::vector<float>>& file,
                    std::size_t start, double snr) const {
    EXPECT_NEAR(clean_db_ - rms_db(got), snr, 1e-3);
    Heard used{got.channels, got.rate, got.samples};
    for (std::size_t c = 0; c < got.samples.size(); ++c) {
      const std::vector<float>& channel = file[std::min(c, file.size() - 1)];
      for (std::size_t n = 0; n < got.samples[c].size(); ++n) {
        used.samples[c][n] = channel[(start + n) % channel.size()];
      }
    }
    const double factor = std::pow(10, (rms_db(got) - rms_db(used)) / 20);
    for (std::size_t c = 0; c < got.samples.size(); ++c) {
      for (std::size_t n = 0; n < got.samples[c].size(); ++n) {
        ASSERT_NEAR(got.samples[c][n], factor * used.samples[c][n], 1e-7) << c << " " << n;
      }
    }
  }

  const Signal mono_ = noise(5000, 7);
  const std::string hiss_ = float_wav(folder_, "hiss.wav", 1, mono_);
  mutable double clean_db_ = 0;
};

TEST_F(NoiseOption, AddsNoiseSoThatThePowersHaveTheRatio) {
  for (const double snr : {-5.0, 0.0, 20.0}) {
    expect_noise(added({"--noise", hiss_, "--snr", std::to_string(snr)}), {mono_}, 0, snr);
  }
  // 0.1 s are 1600 frames.
  expect_noise(added({"--noise", hiss_, "--snr", "3", "--noise-start", "0.1"}), {mono_}, 1600, 3);
}

TEST_F(NoiseOption, IsRepeatedWhereItIsShorterThanTheSound) {
  const Signal few = noise(700, 8);
  const std::string file = float_wav(folder_, "few.wav", 1, few);
  expect_noise(added({"--noise", file, "--snr", "6"}), {few}, 0, 6);
  expect_noise(added({"--noise", file, "--snr", "6", "--noise-start", "0.04"}), {few}, 640, 6);
  const std::string one = float_wav(folder_, "one.wav", 1, {0.5f});
  expect_noise(added({"--noise", one, "--snr", "6"}), {{0.5f}}, 0, 6);
}

TEST_F(NoiseOption, OfTwoChannelsIsHeardByTheEarOfEach) {
  const Signal left = noise(3000, 9), right(3000);  // the right one is silent
  std::vector<float> frames;
  for (const float y : left) frames.insert(frames.end(), {y, 0.0f});
  const std::string file = float_wav(folder_, "stereo.wav", 2, frames);
  expect_noise(added({"--noise", file, "--snr", "10"}), {left, right}, 0, 10);
  // With one channel, the ratio is that of the channel.
  expect_noise(added({"--noise", file, "--snr", "10"}, {"--channels", "left"}), {left}, 0, 10);
  Signal half = left;
  for (float& y : half) y /= 2;
  expect_noise(added({"--noise", file, "--snr", "10"}, {"--channels", "mono"}), {half}, 0, 10);
  std::filesystem::remove(wet());
  expect_refusal(render(source_, room_, {"--noise", file, "--snr", "10", "--channels", "right"}), 2,
                 {"stereo.wav: is silent for 0.144 s from 0.000 s on", "no factor"});
}

TEST_F(NoiseOption, OfAnotherRateIsConverted) {
  const auto sine = [](double hertz, std::size_t frames, double rate) {
    Signal signal(frames);
    for (std::size_t n = 0; n < frames; ++n) {
      const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(n) / rate;
      signal[n] = 0.25f * static_cast<float>(std::sin(phase));
    }
    return signal;
  };
  const std::string file = float_wav(folder_, "44k.wav", 1, sine(441, 8000, 44'100), 44'100);
  const Heard got = added({"--noise", file, "--snr", "0"});
  EXPECT_NEAR(clean_db_ - rms_db(got), 0, 1e-3);
  // But for the filter's begin, it is the sine at the rate of the recording.
  const Signal wanted = sine(441, got.samples[0].size(), 16'000);
  double dot = 0, norm = 0;
  for (std::size_t n = 200; n < wanted.size(); ++n) {
    dot += double{got.samples[0][n]} * double{wanted[n]};
    norm += double{wanted[n]} * double{wanted[n]};
  }
  for (std::size_t n = 200; n < wanted.size(); ++n) {
    ASSERT_NEAR(got.samples[0][n], dot / norm * wanted[n], 1e-4 * dot / norm) << n;
  }
}

TEST_F(NoiseOption, ComesBeforeTheLevelAndNotIntoTheEarlyPart) {
  ASSERT_EQ(render(source_, room_, {"-q", "--early", "3"}).exit_code, 0);
  const Heard early = heard(folder_.file("wet.early.wav"));
  const Outcome outcome =
      render(source_, room_,
             {"--noise", hiss_, "--snr", "0", "--early", "3", "--level", "rms=-20", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NEAR(rms_db(heard(wet())), -20, 1e-4);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_NEAR(rms_db(heard(folder_.file("wet.early.wav"))),
              rms_db(early) + json["level"]["gain_db"].get<double>(), 1e-4);
  EXPECT_EQ(json["noise"]["file"], hiss_);
  EXPECT_EQ(json["noise"]["snr_db"], 0);
  EXPECT_EQ(json["noise"]["start_seconds"], 0);
  EXPECT_EQ(json["noise"]["is_looped"], false);
  EXPECT_TRUE(
      says(outcome.err, {"noise     ", "hiss.wav: from 0.000 s, ", " for an SNR of 0.0 dB"}));
}

TEST_F(NoiseOption, IsTheSameThroughPipes) {
  const std::string options = " --noise " + quoted(hiss_) + " --snr 5 --level rms=-20 ";
  ASSERT_EQ(render(source_, room_, {"-q", "--noise", hiss_, "--snr", "5", "--level", "rms=-20"})
                .exit_code,
            0);
  const std::string expected = read_bytes(wet());
  const std::string program = quoted(GPUCONV_PROGRAM) + " render -q" + options;
  ASSERT_EQ(
      std::system(
          (program + quoted(source_) + " " + quoted(room_) + " - | cat >" + quoted(wet())).c_str()),
      0);
  EXPECT_TRUE(read_bytes(wet()) == expected);
  ASSERT_EQ(std::system(("cat " + quoted(source_) + " | " + program + "- " + quoted(room_) + " " +
                         quoted(wet()))
                            .c_str()),
            0);
  EXPECT_TRUE(read_bytes(wet()) == expected);
  std::filesystem::remove(wet());
  expect_refusal(run({"render", "-", room_, "-", "--noise", hiss_, "--snr", "5"}), 1,
                 {"--noise cannot go from standard input to standard output"});
  expect_refusal(run({"render", source_, room_, wet(), "--noise", "/dev/null", "--snr", "5"}), 2,
                 {"/dev/null: is a pipe or a device"});
}

TEST_F(NoiseOption, LeavesSilenceAloneAndSaysSo) {
  const std::string silence = float_wav(folder_, "silence.wav", 1, Signal(2000));
  const Outcome outcome = render(
      silence, room_, {"-q", "--noise", hiss_, "--snr", "5", "--json", folder_.file("json")});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(
      says(outcome.err, {"warning: ", "--noise: the wet sound is silent", "none was added"}));
  EXPECT_EQ(peak_db(heard(wet())), -HUGE_VAL);
  EXPECT_TRUE(
      nlohmann::json::parse(read_bytes(folder_.file("json")))["noise"]["gain_db"].is_null());
}

TEST_F(NoiseOption, RefusesWhatIsNotNoise) {
  const auto refuses = [&](const std::string& file, int code,
                           std::initializer_list<std::string_view> parts,
                           const std::vector<std::string>& more = {}) {
    std::vector<std::string> options{"--noise", file, "--snr", "5"};
    options.insert(options.end(), more.begin(), more.end());
    expect_refusal(render(source_, room_, options), code, parts);
  };
  refuses(folder_.file("missing.wav"), 2, {"missing.wav: cannot be opened"});
  refuses(float_wav(folder_, "three.wav", 3, Signal(30)), 2, {"3 channels where noise has 1 or 2"});
  refuses(float_wav(folder_, "empty.wav", 1, {}), 2, {"empty.wav: holds no samples"});
  refuses(float_wav(folder_, "zeros.wav", 1, Signal(100)), 2, {"zeros.wav: is silent for"});
  refuses(float_wav(folder_, "nan.wav", 1, {1, NAN, 1}), 2, {"nan.wav", "not a number", "frame 1"});
  refuses(hiss_, 2, {"hiss.wav: --noise-start 0.3125: the file ends after 0.312 s"},
          {"--noise-start", "0.3125", "--dry-run"});
  const std::string slow = float_wav(folder_, "slow.wav", 1, noise(100, 1), 1'000);
  const std::string fast = float_wav(folder_, "fast.wav", 1, noise(100, 1), 768'000);
  expect_refusal(render(slow, room_, {"--noise", fast, "--snr", "5"}), 2,
                 {"fast.wav: sample rates 768000 and 1000 Hz are too far apart"});
  expect_refusal(render(source_, room_, {"--noise", hiss_}), 1, {"--snr"});
  const std::string huge = float_wav(folder_, "huge.wav", 1, {1, 1e30f, 1});
  const std::string big = float_wav(folder_, "big.wav", 2, {1e30f, 1});
  expect_refusal(render(huge, big, {"--noise", hiss_, "--snr", "5", "-m", "cpu-naive"}), 2,
                 {"overflow: frame 1 of the left ear"});
  expect_refusal(render(source_, room_, {"--snr", "5"}), 1, {"--noise"});
  const Outcome mended =
      render(source_, room_,
             {"-q", "--noise", folder_.file("nan.wav"), "--snr", "5", "--nonfinite", "zero"});
  EXPECT_EQ(mended.exit_code, 0);
  EXPECT_TRUE(says(mended.err, {"nan.wav: ", "samples were NaN or infinite and now 0"}));
  // The report must not take the place of the noise.
  EXPECT_TRUE(says(render(source_, room_, {"--noise", hiss_, "--snr", "5", "--json", hiss_}).err,
                   {"--json", "would replace"}));
}

}  // namespace
}  // namespace gpuconv::test
