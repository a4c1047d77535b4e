// align_test.cpp - --align, --early and --unit-energy, compared with sums in double
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>

#include "tests/support/heard.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {
namespace {

using Json = nlohmann::json;

/// A room whose direct sound arrives at `arrival` on the left and 7 samples later on the right.
Stereo<Signal> room_with_onset(std::size_t arrival, std::size_t taps) {
  Stereo<Signal> room{Signal(taps), Signal(taps)};
  const Signal tail = noise(2 * taps, 5);
  for (std::size_t n = arrival; n < taps; ++n) room.left[n] = 0.05f * tail[n];
  for (std::size_t n = arrival + 7; n < taps; ++n) room.right[n] = 0.05f * tail[taps + n];
  room.left[arrival] = 0.9f;
  if (arrival + 7 < taps) room.right[arrival + 7] = 0.6f;
  return room;
}

std::vector<float> interleaved(const Stereo<Signal>& ears) {
  std::vector<float> frames;
  for (std::size_t n = 0; n < ears.left.size(); ++n) {
    frames.push_back(ears.left[n]);
    frames.push_back(ears.right[n]);
  }
  return frames;
}

class WithOnset : public Program {
 protected:
  static constexpr std::size_t kArrival = 80;
  const Signal dry_ = noise(1000, 1);
  const Stereo<Signal> taps_ = room_with_onset(kArrival, 400);
  const std::string onset_room_ = float_wav(folder_, "onset.wav", 2, interleaved(taps_));
  const std::string dry_file_ = float_wav(folder_, "dry.wav", 1, dry_);

  /// Both ears of `file` are frames `first`... of the convolution with `taps` times `factor`, and
  /// zeros after that; `frames` of them.
  void expect_wet(const std::string& file, const Stereo<Signal>& taps, std::size_t first,
                  std::size_t frames, double factor = 1) const {
    const Heard wet = heard(file);
    ASSERT_EQ(wet.channels, 2);
    for (const Side side : kSides) {
      const std::vector<double> exact = reference(dry_, taps[side]).wet;
      const std::vector<float>& got = wet.samples[side == Side::left ? 0 : 1];
      ASSERT_EQ(got.size(), frames);
      for (std::size_t n = 0; n < frames; ++n) {
        const double wanted = first + n < exact.size() ? factor * exact[first + n] : 0;
        ASSERT_NEAR(got[n], wanted, 2e-6 * std::max(1.0, factor)) << name(side) << n;
      }
    }
  }

  static Stereo<Signal> up_to(const Stereo<Signal>& taps, std::size_t count) {
    return {Signal(taps.left.begin(), taps.left.begin() + static_cast<std::ptrdiff_t>(count)),
            Signal(taps.right.begin(), taps.right.begin() + static_cast<std::ptrdiff_t>(count))};
  }
};

class Aligned : public WithOnset {};
class Early : public WithOnset {
 protected:
  const std::string early_ = folder_.file("wet.early.wav");
};

TEST_F(Aligned, BringsTheDirectSoundInTimeWithTheRecordingForBothEarsAlike) {
  const Outcome outcome = render(dry_file_, onset_room_, {"--align", "direct", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"direct sound 80 frames earlier (5.00 ms)"}));
  const auto json = Json::parse(outcome.out);
  EXPECT_EQ(json["response"]["direct_sound_frames"], 80);
  EXPECT_EQ(json["response"]["is_aligned"], true);
  expect_wet(wet(), taps_, kArrival, 1399 - kArrival);
  for (const char* const method : {"cpu-naive", "cpu-hybrid", "cpu-vectorised"}) {
    ASSERT_EQ(render(dry_file_, onset_room_,
                     {"--align", "direct", "--length", "same", "-m", method, "--verify"})
                  .exit_code,
              0);
    expect_wet(wet(), taps_, kArrival, 1000);
  }
  ASSERT_EQ(render(dry_file_, onset_room_, {"--align", "none"}).exit_code, 0);
  expect_wet(wet(), taps_, 0, 1399);
}

TEST_F(Aligned, ChangesNothingWhereTheDirectSoundIsTheFirstSample) {
  const Stereo<Signal> taps = room_with_onset(0, 50);
  const std::string room = float_wav(folder_, "at_zero.wav", 2, interleaved(taps));
  ASSERT_EQ(render(dry_file_, room, {"--align", "direct"}).exit_code, 0);
  expect_wet(wet(), taps, 0, 1049);
}

TEST_F(Aligned, MayAdvanceByMoreThanTheWholeRecording) {
  const Stereo<Signal> taps = room_with_onset(3990, 4000);
  const std::string room = float_wav(folder_, "late.wav", 2, interleaved(taps));
  ASSERT_EQ(render(dry_file_, room, {"--align", "direct"}).exit_code, 0);
  expect_wet(wet(), taps, 3990, 1009);
  ASSERT_EQ(render(dry_file_, room, {"--align", "direct", "--length", "same"}).exit_code, 0);
  expect_wet(wet(), taps, 3990, 1000);
}

TEST_F(Aligned, LeavesThePredelayAndMeetsTheDrySignal) {
  ASSERT_EQ(render(dry_file_, onset_room_,
                   {"--align", "direct", "--predelay", "30smp", "--dry", "0", "--length", "same"})
                .exit_code,
            0);
  // The dry signal at frame 0, the direct sound 30 frames after it.
  Stereo<Signal> taps;
  for (const Side side : kSides) {
    taps[side].assign(30, 0);
    taps[side].insert(taps[side].end(), taps_[side].begin(), taps_[side].end());
    taps[side][kArrival] += 1;
  }
  expect_wet(wet(), taps, kArrival, 1000);
}

TEST_F(Aligned, CountsTheFramesAtTheRateOfTheRecording) {
  std::vector<float> frames(2 * 400);
  frames[2 * 100] = 1;
  frames[2 * 104 + 1] = 1;
  const std::string room = float_wav(folder_, "slow.wav", 2, frames, 8'000);
  const std::string click = float_wav(folder_, "click.wav", 1, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const Outcome outcome =
      render(click, room, {"--align", "direct", "--length", "same", "--json", "-"});
  EXPECT_EQ(Json::parse(outcome.out)["response"]["direct_sound_frames"], 200);
  const Heard wet_click = heard(wet());
  // Half the rate, so half the level, less what the filter takes near 4 kHz; the right ear comes 4
  // samples of 8 kHz later.
  EXPECT_EQ(std::ranges::max_element(wet_click.samples[0]) - wet_click.samples[0].begin(), 0);
  EXPECT_EQ(std::ranges::max_element(wet_click.samples[1]) - wet_click.samples[1].begin(), 8);
  EXPECT_NEAR(wet_click.samples[0][0], 0.478, 1e-3);
}

TEST_F(Aligned, IsTheSameThroughPipes) {
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--align", "direct"}).exit_code, 0);
  const std::string expected = read_bytes(wet());
  ASSERT_EQ(std::system(("cat " + quoted(dry_file_) + " | " + quoted(GPUCONV_PROGRAM) +
                         " render -q --align direct - " + quoted(onset_room_) + " - | cat >" +
                         quoted(wet()))
                            .c_str()),
            0);
  EXPECT_TRUE(read_bytes(wet()) == expected);
}

TEST_F(Early, HoldsTheResponseUpToTheGivenTimeAfterTheDirectSound) {
  // 5 ms are 80 samples.
  for (const char* const method : {"cpu-naive", "cpu-vectorised"}) {
    const Outcome outcome =
        render(dry_file_, onset_room_, {"--early", "5", "--json", "-", "-m", method, "--verify"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"early     ", "wet.early.wav: 161 of 400 taps"}));
    const auto json = Json::parse(outcome.out);
    EXPECT_EQ(json["early"]["file"], early_);
    EXPECT_EQ(json["early"]["taps"], 161);
    EXPECT_NEAR(std::max(json["early"]["left"]["peak_dbfs"].get<double>(),
                         json["early"]["right"]["peak_dbfs"].get<double>()),
                peak_db(heard(early_)), 1e-4);
    expect_wet(wet(), taps_, 0, 1399);
    expect_wet(early_, up_to(taps_, 161), 0, 1399);
  }
}

TEST_F(Early, IsAlignedAndScaledAndMixedAsTheFirstOutputIs) {
  const Outcome outcome = render(dry_file_, onset_room_,
                                 {"--early", "2", "--align", "direct", "--length", "same",
                                  "--level", "rms=-20", "--predelay", "30smp", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const double factor =
      std::pow(10, Json::parse(outcome.out)["level"]["gain_db"].get<double>() / 20);
  Stereo<Signal> taps;
  for (const Side side : kSides) {
    taps[side].assign(30, 0);
    taps[side].insert(taps[side].end(), taps_[side].begin(), taps_[side].end());
  }
  EXPECT_NEAR(rms_db(heard(wet())), -20, 1e-4);
  expect_wet(wet(), taps, kArrival, 1000, factor);
  expect_wet(early_, up_to(taps, 30 + kArrival + 32 + 1), kArrival, 1000, factor);
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--early", "2", "--channels", "mono"}).exit_code,
            0);
  EXPECT_EQ(heard(early_).channels, 1);
}

TEST_F(Early, IsTheWholeOutputWhereTheResponseIsNoLonger) {
  for (const char* const text : {"5ms", "0.005s", "5.0"}) {
    ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--early", "5"}).exit_code, 0);
    const std::string expected = read_bytes(early_);
    std::filesystem::remove(early_);
    ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--early", text}).exit_code, 0) << text;
    EXPECT_TRUE(read_bytes(early_) == expected) << text;
  }
  for (const char* const text : {"5 min", "ms", "-5ms", "61s", "5smp"}) {
    EXPECT_EQ(render(dry_file_, onset_room_, {"-q", "--early", text}).exit_code, 1) << text;
  }
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--early", "20", "-b", "16"}).exit_code, 0);
  EXPECT_TRUE(read_bytes(early_) == read_bytes(wet()));
  // At 0 ms only the direct sound is left.
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--early", "0"}).exit_code, 0);
  expect_wet(early_, up_to(taps_, kArrival + 1), 0, 1399);
}

TEST_F(Early, AndLateAreTheWholeTogether) {
  const std::string late = folder_.file("wet.late.wav");
  const Outcome outcome =
      render(dry_file_, onset_room_,
             {"--early", "5", "--late", "5ms", "--align", "direct", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"wet.early.wav: 161 of 400", "wet.late.wav: 239 of 400 taps"}));
  EXPECT_EQ(Json::parse(outcome.out)["late"]["file"], late);
  Stereo<Signal> rest = taps_;
  for (const Side side : kSides) std::fill_n(rest[side].begin(), 161, 0.0F);
  expect_wet(wet(), taps_, kArrival, 1399 - kArrival);
  expect_wet(early_, up_to(taps_, 161), kArrival, 1399 - kArrival);
  expect_wet(late, rest, kArrival, 1399 - kArrival);
  // Without --early.
  std::filesystem::remove(early_);
  const std::string before = read_bytes(late);
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--late", "5", "--align", "direct"}).exit_code,
            0);
  EXPECT_TRUE(read_bytes(late) == before);
  EXPECT_FALSE(std::filesystem::exists(early_));
  // Later than the response ends: silence.
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--late", "5000"}).exit_code, 0);
  EXPECT_EQ(heard(late).samples[0], Signal(1399));
  EXPECT_TRUE(says(run({"render", "-", onset_room_, wet(), "--late", "50"}).err,
                   {"--late reads INPUT twice"}));
}

class Cropped : public WithOnset {};

TEST_F(Cropped, IsTheSameAsAResponseThatHoldsNoMore) {
  Stereo<Signal> part;  // 2 ms from 4 ms on, of which 1 ms fades
  for (const Side side : kSides) {
    part[side].assign(taps_[side].begin() + 64, taps_[side].begin() + 64 + 32);
    for (std::size_t i = 0; i < 16; ++i) {
      const double gain =
          (1 + std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / 16)) / 2;
      part[side][16 + i] = static_cast<float>(gain * double{part[side][16 + i]});
    }
  }
  const std::vector<std::string> options{"--response-start", "4ms",  "--response-length", "0.002s",
                                         "--response-fade",  "16smp"};
  ASSERT_EQ(render(dry_file_, onset_room_, options).exit_code, 0);
  expect_wet(wet(), part, 0, 1031);
  // The direct sound comes 64 samples earlier now.
  std::vector<std::string> aligned = options;
  aligned.insert(aligned.end(), {"--align", "direct"});
  ASSERT_EQ(render(dry_file_, onset_room_, aligned).exit_code, 0);
  expect_wet(wet(), part, kArrival - 64, 1031 - kArrival + 64);
}

TEST_F(Cropped, IsNotWhatAllIsHeardThrough) {
  const std::string unit = float_wav(folder_, "unit.wav", 2, {0, 0, 0, 0, 1, 1});
  ASSERT_EQ(render(dry_file_, onset_room_,
                   {"--response-length", "161smp", "--response-start", "0s", "--then", unit})
                .exit_code,
            0);
  Stereo<Signal> later = up_to(taps_, 161);
  for (const Side side : kSides) later[side].insert(later[side].begin(), 2, 0.0F);
  expect_wet(wet(), later, 0, 1162);
}

TEST_F(Cropped, MayEndBeforeTheDirectSound) {
  // What is left has a direct sound of its own, with which --align and --dry go on.
  Stereo<Signal> taps = taps_;
  for (const Side side : kSides) {
    for (std::size_t n = 0; n < kArrival; ++n) taps[side][n] = 1e-3F * taps_[side][200 + n];
  }
  const std::string noisy = float_wav(folder_, "noisy.wav", 2, interleaved(taps));
  for (const char* const length : {"4smp", "80smp", "81smp"}) {
    const Outcome outcome = render(dry_file_, noisy,
                                   {"--response-length", length, "--align", "direct", "--dry", "0",
                                    "--early", "1", "--late", "1"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_GT(heard(wet()).samples[0].size(), 900u) << length;
  }
  EXPECT_TRUE(says(render(dry_file_, noisy, {"--response-length", "4smp"}).err,
                   {"warning: ", "of the left ear", "of the right ear"}));
}

TEST_F(Cropped, SaysWhatIsWrong) {
  const Outcome cut = render(dry_file_, onset_room_, {"--response-start", "10ms"});
  EXPECT_EQ(cut.exit_code, 0);
  EXPECT_TRUE(says(cut.err, {"warning: ", "leaves out the direct sound of the left ear"}));
  std::filesystem::remove(wet());
  expect_refusal(render(dry_file_, onset_room_, {"--response-start", "1s"}), 1,
                 {"--response-start 1s: the response ends after 0.025 s"});
  expect_refusal(render(dry_file_, onset_room_, {"--response-length", "4"}), 1,
                 {"--response-length 4: expected a time"});
}

class OutputAtRate : public WithOnset {};

TEST_F(OutputAtRate, ConvertsTheResultAndKeepsItsLevelAndTime) {
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q"}).exit_code, 0);
  const Heard whole = heard(wet());
  const Outcome outcome = render(dry_file_, onset_room_, {"--output-rate", "48000", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"4197 frames, 0.09 s at 48000 Hz"}));
  EXPECT_EQ(Json::parse(outcome.out)["output"]["rate"], 48'000);
  const Heard converted = heard(wet());
  EXPECT_EQ(converted.rate, 48'000);
  ASSERT_EQ(converted.samples[0].size(), 3 * whole.samples[0].size());
  for (std::size_t c = 0; c < 2; ++c) {
    std::vector<float> interleaved;  // every third one is there again but for what soxr cuts off
    double error = 0;
    double energy = 0;
    for (std::size_t n = 0; n < whole.samples[c].size(); ++n) {
      error += std::pow(double{converted.samples[c][3 * n]} - whole.samples[c][n], 2);
      energy += std::pow(double{whole.samples[c][n]}, 2);
    }
    EXPECT_LT(error, 0.06 * energy);  // noise up to half of the rate, of which 5 % is cut off
  }
}

TEST_F(OutputAtRate, LevelsAndNoiseAreThoseOfWhatIsWritten) {
  ASSERT_EQ(render(dry_file_, onset_room_, {"-q", "--output-rate", "44100", "--level", "peak=-3"})
                .exit_code,
            0);
  EXPECT_NEAR(peak_db(heard(wet())), -3, 1e-4);
  const std::string hiss = float_wav(folder_, "hiss.wav", 1, noise(20'000, 5), 44'100);
  ASSERT_EQ(render(dry_file_, onset_room_,
                   {"-q", "--output-rate", "44100", "--noise", hiss, "--snr", "10", "--early", "5"})
                .exit_code,
            0);
  EXPECT_EQ(heard(wet()).rate, 44'100);
  EXPECT_EQ(heard(folder_.file("wet.early.wav")).samples[0].size(), heard(wet()).samples[0].size());
  // Parts are the whole at this rate, too, where the early one ends.
  ASSERT_EQ(render(dry_file_, onset_room_,
                   {"-q", "--output-rate", "44100", "--early", "5", "--late", "5"})
                .exit_code,
            0);
  const Heard whole = heard(wet());
  const Heard early = heard(folder_.file("wet.early.wav"));
  const Heard late = heard(folder_.file("wet.late.wav"));
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t n = 0; n < whole.samples[c].size(); ++n) {
      ASSERT_NEAR(early.samples[c][n] + late.samples[c][n], whole.samples[c][n], 3e-6) << n;
    }
  }
}

TEST_F(OutputAtRate, GoesThroughPipesAndEndsWithTheRecording) {
  const std::vector<std::string> options{"-q", "--output-rate", "8000", "--length", "same"};
  ASSERT_EQ(render(dry_file_, onset_room_, options).exit_code, 0);
  EXPECT_EQ(heard(wet()).samples[0].size(), 500u);
  const std::string expected = read_bytes(wet());
  ASSERT_EQ(std::system(("cat " + quoted(dry_file_) + " | " + quoted(GPUCONV_PROGRAM) +
                         " render -q --output-rate 8000 --length same - " + quoted(onset_room_) +
                         " - | cat >" + quoted(wet()))
                            .c_str()),
            0);
  EXPECT_TRUE(read_bytes(wet()) == expected);
  std::filesystem::remove(wet());
  expect_refusal(render(dry_file_, onset_room_, {"--output-rate", "10"}), 1,
                 {"--output-rate 10: sample rates 16000 and 10 Hz are too far apart"});
}

TEST_F(Early, IsCountedWhereItClips) {
  // Two taps of which the second one takes away what the first one has made too loud.
  const std::string room = float_wav(folder_, "cancel.wav", 2, {1, 1, -1, -1});
  const std::string step = float_wav(folder_, "step.wav", 1, {0.9f, 1.5f, 1.6f, 1.7f});
  const Outcome outcome =
      render(step, room, {"-b", "16", "--early", "0", "--fail-on-clip", "-g", "-0.5"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_TRUE(says(outcome.err, {"wet.early.wav: 6 samples clipped (left 3, right 3)"}));
}

TEST_F(Early, NeedsFiles) {
  expect_refusal(run({"render", "-", onset_room_, wet(), "--early", "50"}), 1,
                 {"--early reads INPUT twice, which a pipe or a command cannot"});
  expect_refusal(run({"render", dry_file_, onset_room_, "-", "--early", "50"}), 1,
                 {"--early writes a second file beside OUTPUT"});
  expect_refusal(render(dry_file_, onset_room_, {"--early", "-1"}), 1, {"from 0 to 60000"});
  const std::string input = float_wav(folder_, "wet.early.wav", 1, dry_);
  EXPECT_TRUE(says(render(input, onset_room_, {"--early", "50"}).err,
                   {"wet.early.wav: is the same file as the input"}));
  EXPECT_EQ(heard(input).channels, 1);  // it is still there
  EXPECT_FALSE(std::filesystem::exists(wet()));
}

TEST_F(Early, KeepsBothOldFilesWhereOneCannotBeWritten) {
  write_bytes(wet(), "old");
  std::filesystem::create_directory(early_);
  const Outcome outcome = render(dry_file_, onset_room_, {"--early", "50"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(says(outcome.err, {"wet.early.wav: is a folder, not a file"}));
  EXPECT_EQ(read_bytes(wet()), "old");
}

/// Zeros at the end of a response do not count as sound.
TEST_F(Program, WarnsOfPartsThatHoldAllOrNothing) {
  Signal taps(2 * 800);
  taps[2 * 16] = taps[2 * 16 + 1] = 1;  // the direct sound, and 10 ms later the last tap
  taps[2 * 176 + 1] = 0.5f;
  const std::string padded = float_wav(folder_, "padded.wav", 2, taps);
  const auto warnings = [&](std::vector<std::string> options) {
    options.push_back("-q");
    options.insert(options.end(), {"-g", "-40"});
    return render(source_, padded, options).err;
  };
  const std::string begin =
      "the response never sounds longer than 10.0 ms after its direct sound, ";
  EXPECT_TRUE(says(warnings({"--late", "10"}),
                   {"warning: --late 10: " + begin + "so that the late output is silent"}));
  EXPECT_EQ(peak_db(heard(folder_.file("wet.late.wav"))), -INFINITY);
  EXPECT_TRUE(says(warnings({"--early", "10", "--predelay", "20ms", "--dry-run"}),
                   {"warning: --early 10: " + begin + "so that the early output holds all of it"}));
  EXPECT_EQ(warnings({"--late", "9.9", "--early", "9.9"}), "");
  EXPECT_GT(peak_db(heard(folder_.file("wet.late.wav"))), -90);
}

TEST_F(Program, ScalesAResponseToUnitEnergy) {
  const std::string click = float_wav(folder_, "click.wav", 1, {1});
  const Outcome outcome = render(click, room_, {"--unit-energy", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  // The convolution with a click is the response: 300 frames with a mean energy of 1.
  EXPECT_NEAR(rms_db(heard(wet())) + 10 * std::log10(300), 0, 1e-4);
  ASSERT_EQ(render(click, room_, {"-q"}).exit_code, 0);
  EXPECT_NEAR(rms_db(heard(wet())) + 10 * std::log10(300) +
                  Json::parse(outcome.out)["response"]["unit_energy_gain_db"].get<double>(),
              0, 1e-4);
}

}  // namespace
}  // namespace gpuconv::test
