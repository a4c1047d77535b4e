// scene_test.cpp - gpuconv scene: many voices, one sum
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/heard.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/reference.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {
namespace {

/// Left and right, in double.
using Ears = std::array<std::vector<double>, 2>;

class SceneProgram : public Program {
 protected:
  /// `voices` is what stands in the brackets.
  Outcome scene(const std::string& voices, std::vector<std::string> options = {},
                const std::string& more = "") const {
    write_bytes(scene_, "{\"voices\": [" + voices + "]" + more + "}");
    options.insert(options.begin(), {"scene", scene_, wet()});
    return run(options);
  }

  /// The files of the fixture: its recording has 2000 samples, its response 300 taps.
  static std::string voice(const std::string& more = "", const std::string& input = "source.wav",
                           const std::string& response = "room.wav") {
    return R"({"input": ")" + input + R"(", "response": ")" + response + "\"" +
           (more.empty() ? "" : ", " + more) + "}";
  }

  /// Adds what a voice sounds like, by the oracle.
  static void add(Ears& ears, const Signal& source, const std::vector<Signal>& response,
                  std::size_t start, double gain = 1) {
    for (std::size_t e = 0; e < 2; ++e) {
      const Reference one = reference(source, response[e]);
      ears[e].resize(std::max(ears[e].size(), start + one.wet.size()));
      for (std::size_t n = 0; n < one.wet.size(); ++n) ears[e][start + n] += gain * one.wet[n];
    }
  }

  /// The bound is rounding of sums of a few hundred products, each below 1.
  static void expect_heard(const std::string& path, const Ears& ears, double bound = 5e-5) {
    const Heard got = heard(path);
    for (std::size_t e = 0; e < 2; ++e) {
      ASSERT_EQ(got.samples[e].size(), ears[e].size());
      for (std::size_t n = 0; n < ears[e].size(); ++n) {
        ASSERT_NEAR(got.samples[e][n], ears[e][n], bound) << e << " " << n;
      }
    }
  }

  std::string file(const std::string& name) const { return folder_.file(name); }

  const std::string scene_ = folder_.file("scene.json");
  const Signal x_ = heard(source_).samples[0];
  const std::vector<Signal> room_taps_ = heard(room_).samples;
};

TEST_F(SceneProgram, AddsVoicesWithTheirStartsChannelsAndGains) {
  const std::string two = float_wav(folder_, "two.wav", 2, noise(3000, 5));
  const std::string short_room = float_wav(folder_, "short.wav", 2, noise(14, 6));
  const std::vector<Signal> channels = heard(two).samples, taps = heard(short_room).samples;
  for (const char* const method : {"cpu-naive", "cpu-vectorised", "cpu-hybrid"}) {
    const Outcome outcome =
        scene(voice() + "," + voice(R"("channel": 2, "start": 0.1, "gain": -6)", "two.wav") + "," +
                  voice(R"("channel": 1, "gain": 3.5)", "two.wav", "short.wav") + "," +
                  voice(R"("start": 0.25, "id": "late")", "source.wav", "short.wav"),
              {"--device", "cpu", "-m", method});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"scene     ", "4 voices, 0.38 s at 16000 Hz", "voice 1   ",
                                   "2000 samples, 0.12 s from 0.00 s on, peak ", "voice 2   ",
                                   ", channel 2: ", "from 0.10 s on, -6.0 dB, peak ", "voice 4   ",
                                   "wet  ", "6299 frames"}));
    Ears ears;
    add(ears, x_, room_taps_, 0);
    add(ears, channels[1], room_taps_, 1600, std::pow(10, -6 / 20.0));
    add(ears, channels[0], taps, 0, std::pow(10, 3.5 / 20));
    add(ears, x_, taps, 4000);
    for (auto& ear : ears) ear.resize(6299);  // the longest response after the latest source
    expect_heard(wet(), ears);
    EXPECT_EQ(heard(wet()).rate, 16'000);
  }
}

TEST_F(SceneProgram, VerifiesTheSumOfAllVoices) {
  const std::string two = float_wav(folder_, "two.wav", 2, noise(3000, 5), 8000);
  float_wav(folder_, "fast.wav", 2, noise(80, 6), 48'000);  // has a latency of its own
  const std::string voices = voice() + "," + voice(R"("channel": 2, "start": 0.1)", "two.wav") +
                             "," + voice(R"("gain": 3.5)", "source.wav", "fast.wav");
  for (const char* const method : {"cpu-naive", "cpu-vectorised", "cpu-hybrid"}) {
    ASSERT_EQ(scene(voices, {"-m", method}).exit_code, 0);
    const std::string bytes = read_bytes(wet());
    const Outcome outcome = scene(voices, {"-m", method, "--verify", "--json", "-"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"verified  64 samples against the definition"}));
    EXPECT_EQ(nlohmann::json::parse(outcome.out)["verified_samples"], 64);
    EXPECT_EQ(read_bytes(wet()), bytes);
  }
  // Each of the outputs is compared.
  EXPECT_TRUE(says(scene(voices, {"--verify", "--stems", "--early", "2"}).err,
                   {"verified  320 samples against the definition"}));
}

TEST_F(SceneProgram, ScalesEachResponseToUnitEnergy) {
  const std::string click = float_wav(folder_, "click.wav", 1, {1});
  float_wav(folder_, "loud.wav", 2, {6, 0, 8, 10});
  float_wav(folder_, "soft.wav", 2, {0, 0, 0.01f, 0.01f});
  const Outcome outcome =
      scene(voice("", "click.wav", "loud.wav") + "," + voice("", "click.wav", "soft.wav"),
            {"--unit-energy", "-m", "cpu-naive"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"-20.00 dB to unit energy", "+40.00 dB to unit energy"}));
  EXPECT_NEAR(heard(wet()).samples[0][0], 0.6, 1e-6);
  EXPECT_NEAR(heard(wet()).samples[0][1], 1.8, 1e-6);
  EXPECT_NEAR(heard(wet()).samples[1][1], 2, 1e-6);
}

TEST_F(SceneProgram, OfOneVoiceGivesTheBytesOfRender) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-g", "-40"},
        {"--length", "same", "-b", "16", "--norm=-3"},
        {"--channels", "mono", "--align", "direct", "--early", "2", "--dry", "-20"}}) {
    ASSERT_EQ(render(source_, room_, options).exit_code, 0);
    const std::string alone = read_bytes(wet());
    ASSERT_EQ(scene(voice(), options).exit_code, 0);
    EXPECT_EQ(read_bytes(wet()), alone);
  }
  // A start is silence before, for whole frames.
  ASSERT_EQ(render(source_, room_, {"-m", "cpu-naive", "-g", "-3"}).exit_code, 0);
  const Heard alone = heard(wet());
  const Outcome outcome = scene(voice(R"("start": 0.01, "gain": -3)"), {"-m", "cpu-naive"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Heard later = heard(wet());
  for (std::size_t e = 0; e < 2; ++e) {
    ASSERT_EQ(later.samples[e].size(), 160 + alone.samples[e].size());
    for (std::size_t n = 0; n < 160; ++n) ASSERT_EQ(later.samples[e][n], 0);
    for (std::size_t n = 0; n < alone.samples[e].size(); ++n) {
      ASSERT_EQ(later.samples[e][160 + n], alone.samples[e][n]) << n;
    }
  }
}

/// A converted response begins before time zero; one that needs no conversion does not.
TEST_F(SceneProgram, AlignsResponsesOfDifferentLatencies) {
  const std::string click = float_wav(folder_, "click.wav", 1, {1, 0, 0, 0});
  float_wav(folder_, "now.wav", 2, {1, 0.5f});
  float_wav(folder_, "fast.wav", 2, {3, 1.5f}, 48'000);
  ASSERT_EQ(render(click, file("fast.wav"), {"-q"}).exit_code, 0);
  const Heard alone = heard(wet());
  ASSERT_EQ(scene(voice("", "click.wav", "now.wav") + "," + voice("", "click.wav", "fast.wav"),
                  {"-q", "-m", "cpu-naive"})
                .exit_code,
            0);
  const Heard both = heard(wet());
  for (std::size_t e = 0; e < 2; ++e) {
    ASSERT_EQ(both.samples[e].size(), alone.samples[e].size());
    for (std::size_t n = 0; n < both.samples[e].size(); ++n) {
      const float first = n == 0 ? (e == 0 ? 1.0f : 0.5f) : 0.0f;
      EXPECT_NEAR(both.samples[e][n], alone.samples[e][n] + first, 1e-6) << e << " " << n;
    }
  }
  // Both ears alike.
  for (std::size_t n = 0; n < both.samples[0].size(); ++n) {
    EXPECT_NEAR(both.samples[0][n], 2 * both.samples[1][n], 1e-6);
  }
}

TEST_F(SceneProgram, ConvertsRecordingsToTheRateOfTheFirstOrTheOneThatIsAsked) {
  const auto sine = [](double hertz, std::size_t frames, double rate) {
    Signal signal(frames);
    for (std::size_t n = 0; n < frames; ++n) {
      signal[n] =
          0.25f * static_cast<float>(std::sin(2 * M_PI * hertz * static_cast<double>(n) / rate));
    }
    return signal;
  };
  float_wav(folder_, "16k.wav", 1, Signal(8000), 16'000);
  float_wav(folder_, "44k.wav", 1, sine(441, 22'050, 44'100), 44'100);
  float_wav(folder_, "unit.wav", 2, {1, 1}, 16'000);
  const Outcome outcome = scene(
      voice("", "16k.wav", "unit.wav") + "," + voice(R"("start": 0.5)", "44k.wav", "unit.wav"),
      {"--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"1.00 s at 16000 Hz", "converted from 44100 to 16000 Hz"}));
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["voices"][1]["source"]["samples"], 8000);
  EXPECT_EQ(json["voices"][1]["source"]["file_rate"], 44'100);
  EXPECT_NEAR(json["voices"][1]["source"]["rms_dbfs"].get<double>(), 20 * std::log10(0.25) - 3.01,
              0.01);
  const Heard got = heard(wet());
  ASSERT_EQ(got.samples[0].size(), 16'000u);
  const Signal wanted = sine(441, 8000, 16'000);
  for (std::size_t n = 0; n < 8000; ++n) {
    ASSERT_NEAR(got.samples[0][n], 0, 1e-6) << n;
    // The ends of the sine are sharp, and ring.
    if (n > 300 && n < 7700) {
      ASSERT_NEAR(got.samples[0][8000 + n], wanted[n], 2e-5) << n;
    }
  }
  // The same through another way of reading: a rate that is asked for converts all.
  ASSERT_EQ(scene(voice("", "44k.wav", "unit.wav"), {"-q"}, R"(, "rate": 8000)").exit_code, 0);
  EXPECT_EQ(heard(wet()).rate, 8000);
  EXPECT_GE(heard(wet()).samples[0].size(), 4000u);
  // As many samples are compared as at the rate of the file.
  const Outcome verified = scene(voice("", "44k.wav", "unit.wav"),
                                 {"-q", "--verify", "--stems", "--json", "-"}, R"(, "rate": 8000)");
  ASSERT_EQ(verified.exit_code, 0) << verified.err;
  EXPECT_EQ(nlohmann::json::parse(verified.out)["verified_samples"], 128);
  std::filesystem::remove(file("wet.stem-1.wav"));
  std::filesystem::remove(wet());
  expect_refusal(scene(voice("", "16k.wav", "unit.wav") + "," + voice("", "44k.wav", "unit.wav"),
                       {"--rate-policy", "error"}),
                 2, {"voice 2 (44k.wav): 44100 Hz, but the scene has 16000 Hz"});
  expect_refusal(
      scene(voice("", "16k.wav", "unit.wav"), {"--rate-policy", "error"}, R"(, "rate": 8000)"), 2,
      {"voice 1 (16k.wav): 16000 Hz, but the scene has 8000 Hz"});
}

TEST_F(SceneProgram, ChoosesADirectionForEachVoice) {
  SofaContents head = small_sofa();  // in front and on the left, 16 kHz
  write_sofa(file("head.sofa"), head);
  ASSERT_EQ(
      render(source_, file("head.sofa"), {"-q", "-m", "cpu-naive", "--azimuth", "90"}).exit_code,
      0);
  const Heard left_alone = heard(wet());
  ASSERT_EQ(render(source_, file("head.sofa"), {"-q", "-m", "cpu-naive"}).exit_code, 0);
  const Heard front_alone = heard(wet());
  const Outcome outcome = scene(voice(R"("azimuth": 90)", "source.wav", "head.sofa") + "," +
                                    voice("", "source.wav", "head.sofa"),
                                {"-m", "cpu-naive", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Heard both = heard(wet());
  for (std::size_t e = 0; e < 2; ++e) {
    for (std::size_t n = 0; n < both.samples[e].size(); ++n) {
      ASSERT_NEAR(both.samples[e][n], left_alone.samples[e][n] + front_alone.samples[e][n], 2e-6);
    }
  }
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["voices"][0]["response"]["azimuth"], 90);
  EXPECT_EQ(json["voices"][1]["response"]["azimuth"], 0);
}

TEST_F(SceneProgram, WritesStemsThatAddUpToOutput) {
  const std::string voices = voice(R"("id": "near")") + "," +
                             voice(R"("start": 0.05, "gain": -9)", "source.wav", "room.wav");
  for (const std::vector<std::string>& options : {std::vector<std::string>{},
                                                  {"--level", "rms=-20"},
                                                  {"--length", "same"},
                                                  {"--channels", "left", "--norm"}}) {
    std::vector<std::string> all{"--stems", "--json", "-"};
    all.insert(all.end(), options.begin(), options.end());
    const Outcome outcome = scene(voices, all);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"stem 1    ", "wet.stem-near.wav: peak ", "wet.stem-2.wav: "}));
    const Heard sum = heard(wet());
    const std::array stems{heard(file("wet.stem-near.wav")), heard(file("wet.stem-2.wav"))};
    for (std::size_t c = 0; c < sum.samples.size(); ++c) {
      ASSERT_EQ(stems[0].samples[c].size(), sum.samples[c].size());
      ASSERT_EQ(stems[1].samples[c].size(), sum.samples[c].size());
      for (std::size_t n = 0; n < sum.samples[c].size(); ++n) {
        ASSERT_NEAR(sum.samples[c][n], stems[0].samples[c][n] + stems[1].samples[c][n], 2e-5);
      }
    }
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["voices"][0]["stem"]["file"], file("wet.stem-near.wav"));
    EXPECT_NEAR(json["voices"][0]["stem"]["rms_dbfs"].get<double>(), rms_db(stems[0]), 1e-3);
    EXPECT_NEAR(json["voices"][0]["stem"]["peak_dbfs"].get<double>(), peak_db(stems[0]), 1e-3);
  }
  std::filesystem::remove(wet());
  const Outcome refused = scene(voices, {"--stems", "--no-clobber"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(says(refused.err, {"wet.stem-near.wav", "exists"}));
  EXPECT_TRUE(is_empty_of_output());
  EXPECT_TRUE(says(run({"scene", scene_, "-", "--stems"}).err,
                   {"--stems writes files beside OUTPUT, which has to be a file, too"}));
  EXPECT_TRUE(says(scene(voices, {"--stems", "--json", file("wet.stem-2.wav")}).err,
                   {"is taken by --json"}));
}

TEST_F(SceneProgram, HasTheOptionsOfRender) {
  const std::string voices = voice() + "," + voice(R"("start": 0.05)");
  const std::string hiss = float_wav(folder_, "hiss.wav", 1, noise(900, 8));
  const Outcome outcome = scene(
      voices, {"--level", "rms=-26", "--noise", hiss, "--snr", "20", "-b", "16", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NEAR(rms_db(heard(wet())), -26, 0.01);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["output"]["bits"], 16);
  // Through pipes the same bytes.
  ASSERT_EQ(scene(voices, {"-q", "--gain", "-40"}).exit_code, 0);
  const std::string bytes = read_bytes(wet());
  const std::string program = quoted(GPUCONV_PROGRAM) + " scene -q --gain -40 ";
  ASSERT_EQ(std::system((program + quoted(scene_) + " - | cat >" + quoted(file("piped"))).c_str()),
            0);
  EXPECT_EQ(heard(file("piped")).samples, heard(wet()).samples);
  write_bytes(scene_, "{\"voices\": [" + voice("", "-") + "," + voice(R"("start": 0.05)") + "]}");
  ASSERT_EQ(std::system(
                ("cat " + quoted(source_) + " | " + program + quoted(scene_) + " " + quoted(wet()))
                    .c_str()),
            0);
  EXPECT_EQ(read_bytes(wet()), bytes);
  // A dry run reads and checks.
  std::filesystem::remove(wet());
  const Outcome dry = scene(voices, {"--dry-run"});
  EXPECT_EQ(dry.exit_code, 0);
  EXPECT_TRUE(says(dry.err, {"2 voices, 0.17 s", "method "}));
  EXPECT_TRUE(is_empty_of_output());
}

TEST_F(SceneProgram, NamesTheVoiceThatIsWrong) {
  const std::string two = float_wav(folder_, "two.wav", 2, noise(30, 5));
  const std::string mono = float_wav(folder_, "mono.wav", 1, noise(30, 5));
  float_wav(folder_, "nan.wav", 1, {1, NAN, 1});
  float_wav(folder_, "silent.wav", 2, Signal(20));
  const auto refuses = [&](const std::string& second, int code,
                           std::initializer_list<std::string_view> parts) {
    expect_refusal(scene(voice() + "," + second), code, parts);
  };
  refuses(voice("", "missing.wav"), 2, {"voice 2 (missing.wav): cannot be opened"});
  refuses(voice("", "two.wav"), 2,
          {"voice 2 (two.wav): has 2 channels where one is needed; the key 'channel'"});
  refuses(voice(R"("channel": 3)", "two.wav"), 2, {"voice 2 (two.wav): has no channel 3"});
  refuses(voice("", "nan.wav"), 2, {"voice 2 (nan.wav): ", "not a number", "frame 1"});
  refuses(voice("", "source.wav", "mono.wav"), 2,
          {"voice 2 (source.wav): ", "mono.wav: has 1 channel where a response needs 2"});
  refuses(voice("", "source.wav", "silent.wav"), 2, {"voice 2 (source.wav): ", "silent response"});
  refuses(voice(R"("azimuth": 3)"), 2, {"voice 2 (source.wav): ", "room.wav: is not a SOFA file"});
  refuses(voice("", "source.wav", "none.wav"), 2,
          {"voice 2 (source.wav): ", "none.wav: cannot be"});
  refuses(voice("\"gian\": 3"), 2,
          {"voice 2 (source.wav): unknown key 'gian'; did you mean 'gain'?"});
  refuses(voice("", "-") + "," + voice(R"("start": 1)", "-"), 2,
          {"voice 3 (-): can be read only once, and voice 2 (-) reads it"});
  expect_refusal(scene(voice(), {"--azimuth", "3"}), 1, {"scene has no option --azimuth"});
  // OUTPUT must not replace what is read.
  EXPECT_TRUE(says(run({"scene", scene_, source_}).err, {"source.wav", "same file"}));
  EXPECT_EQ(read_bytes(source_).size(), 44 + 4 * x_.size());
}

TEST_F(SceneProgram, TakesTheSmallestSounds) {
  const std::string one = float_wav(folder_, "one.wav", 1, {0.5f});
  float_wav(folder_, "tap.wav", 2, {0, 2});  // the left ear is silent
  float_wav(folder_, "zeros.wav", 1, Signal(5));
  for (const char* const method : {"cpu-naive", "cpu-vectorised"}) {
    ASSERT_EQ(scene(voice("", "one.wav", "tap.wav") + "," +
                        voice(R"("start": 0.000125)", "one.wav", "tap.wav") + "," +
                        voice("", "zeros.wav", "tap.wav"),
                    {"-q", "-m", method})
                  .exit_code,
              0);
    const Heard got = heard(wet());
    EXPECT_EQ(got.samples[0], Signal(5)) << method;
    const Signal wanted{1, 0, 1, 0, 0};
    for (std::size_t n = 0; n < 5; ++n) EXPECT_NEAR(got.samples[1][n], wanted[n], 1e-6) << method;
  }
}

TEST_F(SceneProgram, WarnsOfWhatItMended) {
  float_wav(folder_, "nan.wav", 1, {1, NAN, 1});
  const Outcome outcome =
      scene(voice() + "," + voice("", "nan.wav"), {"-q", "-g", "-60", "--nonfinite", "zero"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "warning: voice 2 (nan.wav): 1 sample was NaN or infinite and now 0\n");
}

TEST_F(SceneProgram, StemsAddUpWhereverOutputEnds) {
  const std::string voices = voice(R"("start": 0.3)") + "," + voice("", "source.wav", "room.wav") +
                             "," + voice(R"("start": 0.05, "gain": -6)");
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--length", "same"}, {"--output-rate", "11025"}}) {
    std::vector<std::string> all{"-q", "--stems"};
    all.insert(all.end(), options.begin(), options.end());
    ASSERT_EQ(scene(voices, all).exit_code, 0);
    const Heard sum = heard(wet());
    std::array<std::vector<double>, 2> added;
    for (const char* const stem : {"1", "2", "3"}) {
      const Heard one = heard(file(std::string("wet.stem-") + stem + ".wav"));
      for (std::size_t c = 0; c < 2; ++c) {
        ASSERT_EQ(one.samples[c].size(), sum.samples[c].size());
        added[c].resize(one.samples[c].size());
        for (std::size_t n = 0; n < added[c].size(); ++n) added[c][n] += one.samples[c][n];
      }
    }
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t n = 0; n < added[c].size(); ++n) {
        ASSERT_NEAR(added[c][n], sum.samples[c][n], 5e-5) << options[0] << " " << n;
      }
    }
  }
}

}  // namespace
}  // namespace gpuconv::test
