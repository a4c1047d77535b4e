// levels_test.cpp - --level and --channels: what the file holds, measured here and in double
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/heard.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

class Levels : public Program {
 protected:
  const std::string long_ = float_wav(folder_, "long.wav", 1, noise(12'000, 3));
};

TEST_F(Levels, BringTheFileToTheLevelWithOneFactorForBothEars) {
  ASSERT_EQ(render(long_, room_, {"-q", "-g", "-40"}).exit_code, 0);
  const Heard before = heard(wet());
  const double ratio = double{before.samples[0][700]} / double{before.samples[1][700]};
  const std::vector<std::pair<std::string, double (*)(const Heard&)>> kinds{
      {"peak", peak_db}, {"rms", rms_db}, {"lufs", lufs}};
  for (const auto& [kind, measured] : kinds) {
    for (const char* const channels : {"both", "left", "right", "mono"}) {
      const Outcome outcome =
          render(long_, room_, {"--level", kind + "=-26.5", "--channels", channels});
      ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
      const Heard after = heard(wet());
      EXPECT_NEAR(measured(after), -26.5, 1e-4) << kind << channels;
      EXPECT_EQ(after.channels, channels == std::string("both") ? 2 : 1);
      if (after.channels == 1) continue;
      EXPECT_NEAR(double{after.samples[0][700]} / double{after.samples[1][700]}, ratio,
                  1e-5 * std::abs(ratio));
    }
  }
}

TEST_F(Levels, AreTheSameThroughAPipeAndWithEveryMethod) {
  for (const std::string level : {"rms=-30", "lufs=-30"}) {
    ASSERT_EQ(render(long_, room_, {"-q", "--level", level}).exit_code, 0);
    const std::string expected = read_bytes(wet());
    const std::string program = quoted(GPUCONV_PROGRAM) + " render -q --level " + level + " ";
    // By rendering twice, where no file can lie beside the output.
    ASSERT_EQ(
        std::system(
            (program + quoted(long_) + " " + quoted(room_) + " - | cat >" + quoted(wet())).c_str()),
        0);
    EXPECT_TRUE(read_bytes(wet()) == expected) << level;
    ASSERT_EQ(std::system(("cat " + quoted(long_) + " | " + program + "- " + quoted(room_) + " " +
                           quoted(wet()))
                              .c_str()),
              0);
    EXPECT_TRUE(read_bytes(wet()) == expected) << level;
    std::filesystem::remove(wet());
    expect_refusal(run({"render", "-", room_, "-", "--level", level}), 1,
                   {"--level cannot go from standard input to standard output: give one"});
  }
  ASSERT_EQ(render(long_, room_, {"-q", "--level", "rms=-30", "-m", "cpu-naive"}).exit_code, 0);
  EXPECT_NEAR(rms_db(heard(wet())), -30, 1e-4);
}

TEST_F(Levels, ReportWhatWasDone) {
  const Outcome outcome =
      render(long_, room_, {"--level", "rms=-30", "--channels", "mono", "--json", "-"});
  EXPECT_TRUE(
      says(outcome.err, {"1 channel", "peak      mono", " dB to both ears (rms -30.0 dBFS)"}));
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["level"]["kind"], "rms");
  EXPECT_EQ(json["level"]["target"], -30);
  EXPECT_EQ(json["output"]["channels"], "mono");
  EXPECT_FALSE(json.contains("left"));
  EXPECT_NEAR(json["mono"]["peak_dbfs"].get<double>(), peak_db(heard(wet())), 1e-5);
  ASSERT_EQ(render(long_, room_, {"-q", "--channels", "mono"}).exit_code, 0);
  EXPECT_NEAR(rms_db(heard(wet())) + json["level"]["gain_db"].get<double>(), -30, 1e-4);
}

TEST_F(Levels, LeaveSilenceAloneAndSaySo) {
  const std::string silence = float_wav(folder_, "silence.wav", 1, Signal(12'000));
  for (const std::string level : {"peak=-1", "rms=-26", "lufs=-23"}) {
    EXPECT_EQ(render(silence, room_, {"-q", "--level", level}).err,
              "warning: " + wet() + ": --level: the result is silent, nothing to scale\n");
    EXPECT_EQ(peak_db(heard(wet())), -HUGE_VAL);
  }
}

// Silent in one ear: the other one alone has the whole power.
TEST_F(Levels, CountASilentEar) {
  std::vector<float> frames(400);
  frames[0] = 1;
  frames[20] = 0.5f;
  const std::string left_only = float_wav(folder_, "left.wav", 2, frames);
  ASSERT_EQ(render(long_, left_only, {"-q", "--level", "rms=-20"}).exit_code, 0);
  EXPECT_NEAR(rms_db(heard(wet())), -20, 1e-4);
  EXPECT_EQ(render(long_, left_only, {"-q", "--level", "rms=-20", "--channels", "right"}).err,
            "warning: " + wet() + ": --level: the result is silent, nothing to scale\n");
}

TEST_F(Levels, RefuseALoudnessOfLessThanABlockBeforeTheWork) {
  // 400 ms are 6400 frames, and the room adds 299.
  const std::string shorter = float_wav(folder_, "shorter.wav", 1, noise(6100, 1));
  for (const char* const dry_run : {"-q", "--dry-run"}) {
    expect_refusal(render(shorter, room_, {"--level", "lufs=-23", dry_run}), 2,
                   {"wet.wav: --level lufs: the result has 6399 frames where a loudness needs 6400",
                    "use --level rms=DB"});
  }
  const std::string enough = float_wav(folder_, "enough.wav", 1, noise(6101, 1));
  EXPECT_EQ(render(enough, room_, {"--level", "lufs=-23"}).exit_code, 0);
  EXPECT_EQ(render(shorter, room_, {"--level", "rms=-23"}).exit_code, 0);
  const std::string slow = float_wav(folder_, "slow.wav", 1, noise(6101, 1), 3'999);
  std::filesystem::remove(wet());
  expect_refusal(render(slow, room_, {"--level", "lufs=-23"}), 2,
                 {"wet.wav: --level lufs: 3999 Hz are too few"});
  // Through a pipe without a length, only the end tells.
  const std::string raw = folder_.file("raw");
  write_bytes(raw, bytes_of(noise(100, 1)));
  const Outcome piped = run({"render", "-", room_, wet(), "--level", "lufs=-23", "--raw-rate",
                             "16000", "--raw-format", "f32"},
                            "<" + quoted(raw));
  expect_refusal(piped, 2, {"wet.wav: --level lufs: the result has"});
}

TEST_F(Levels, NameTheOptionThatAvoidsClipping) {
  EXPECT_TRUE(says(render(long_, room_, {"-b", "16", "--level", "rms=-3"}).err,
                   {"samples clipped", "; use --level rms=-"}));
  const Outcome loud = render(
      long_, room_,
      {"-b", "16", "--level", "lufs=3", "--channels", "mono", "--fail-on-clip", "--json", "-"});
  EXPECT_EQ(loud.exit_code, 5);
  // The only channel is counted once.
  const auto json = nlohmann::json::parse(loud.out);
  const auto clipped = json["mono"]["clipped"].get<std::int64_t>();
  std::int64_t counted = 0;
  const Heard written = heard(wet());
  for (const float y : written.samples[0]) counted += std::abs(y) > 0.99996f ? 1 : 0;
  EXPECT_EQ(clipped, counted);
  EXPECT_TRUE(says(loud.err, {std::to_string(clipped) + " samples clipped", "--level lufs="}));
}

TEST_F(Levels, AreRefusedTogetherWithAnotherLevel) {
  for (const char* const other : {"--gain=3", "--norm"}) {
    expect_refusal(render(long_, room_, {"--level", "rms=-26", other}), 1,
                   {" cannot be combined with ", "--level"});
  }
  for (const char* const wrong : {"rms", "rms=", "rms=loud", "rms=-20x", "loud=-3", "=-3", "-26"}) {
    expect_refusal(render(long_, room_, {"--level", wrong}), 1,
                   {"expected peak=DB, rms=DB or lufs=DB"});
  }
  expect_refusal(render(long_, room_, {"--level", "lufs=-61"}), 1, {"LUFS from -60 to 200"});
  expect_refusal(render(long_, room_, {"--level", "rms=nan"}), 1, {"expected dBFS from -200"});
}

TEST_F(Levels, NameTheFrameThatOverflows) {
  const std::string huge = float_wav(folder_, "huge.wav", 1, {1, 1e30f, 1});
  const std::string room = float_wav(folder_, "big.wav", 2, {1e30f, 1});
  for (const char* const level : {"peak=-1", "rms=-26"}) {
    expect_refusal(render(huge, room, {"--level", level, "-m", "cpu-naive"}), 2,
                   {"overflow: frame 1 of the left ear"});
    // An FFT turns this into NaN, which a GPU leaves out of its levels. The GPU is not to blame.
    for (const Method* const method : methods_here()) {
      expect_refusal(render(huge, room, {"--level", level, "-m", std::string(method->name)}), 2,
                     {"overflow: frame ", " of the left ear"});
    }
  }
}

TEST_F(Program, WritesTheEarsThatAreAskedFor) {
  ASSERT_EQ(render(source_, room_, {"-q"}).exit_code, 0);
  const Heard both = heard(wet());
  for (const std::string extension : {"wav", "flac", "w64", "caf", "aiff", "au", "rf64"}) {
    for (const char* const channels : {"left", "right", "mono"}) {
      const std::string output = folder_.file("one." + extension);
      const Outcome outcome =
          run({"render", source_, room_, output, "--channels", channels, "-b", "24", "-g", "-40"});
      ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
      const Heard one = heard(output);
      ASSERT_EQ(one.channels, 1) << output;
      ASSERT_EQ(one.samples[0].size(), both.samples[0].size());
      for (std::size_t n = 0; n < one.samples[0].size(); ++n) {
        const double left = both.samples[0][n], right = both.samples[1][n];
        const double wanted = channels == std::string("left")    ? left
                              : channels == std::string("right") ? right
                                                                 : (left + right) / 2;
        ASSERT_NEAR(one.samples[0][n], wanted / 100, 0x1p-23) << output << channels << n;
      }
    }
  }
  EXPECT_EQ(
      run({"render", source_, room_, folder_.file("one.ogg"), "--channels", "mono", "-g", "-40"})
          .exit_code,
      0);
  EXPECT_EQ(heard(folder_.file("one.ogg")).channels, 1);
  // The mean of two floats whose sum is none.
  const std::string loud = float_wav(folder_, "loud.wav", 2, {3e38f, 3e38f});
  const std::string unit = float_wav(folder_, "unit.wav", 1, {1});
  ASSERT_EQ(render(unit, loud, {"-q", "--channels", "mono", "-m", "cpu-naive"}).exit_code, 0);
  EXPECT_EQ(heard(wet()).samples[0][0], 3e38f);
}

// RIFF wants an even number of bytes: 2299 frames of 3 bytes are odd.
TEST_F(Program, PadsOneChannelOf24Bits) {
  ASSERT_EQ(render(source_, room_, {"-q", "--channels", "mono", "-b", "24", "-g", "-40"}).exit_code,
            0);
  const std::string bytes = read_bytes(wet());
  const std::size_t data = bytes.find("data");
  EXPECT_EQ(bytes.substr(data + 4, 4), little(3 * 2299, 4));
  EXPECT_EQ(bytes.size(), data + 8 + 3 * 2299 + 1);
  EXPECT_EQ(bytes.substr(4, 4), little(bytes.size() - 8, 4));
  const std::string piped = folder_.file("piped.wav");
  ASSERT_EQ(std::system((quoted(GPUCONV_PROGRAM) + " render -q --channels mono -b 24 -g -40 " +
                         quoted(source_) + " " + quoted(room_) + " - | cat >" + quoted(piped))
                            .c_str()),
            0);
  EXPECT_TRUE(read_bytes(piped) == bytes);
}

}  // namespace
}  // namespace gpuconv::test
